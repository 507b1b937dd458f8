import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";
import { scopeOf, scopeOptions } from "./scope.js";

export const subscriptions: Verb = {
  name: "subscriptions",
  description: "List who is told of events, and how that goes",
  example: "stoker event subscriptions -w lab",
  options: [...scopeOptions, ...pagingOptions],
  async run(call) {
    const workspaceId = await scopeOf(call);
    const session = await call.session();
    const found = await pages(call, async (page) => {
      const answer = await session.events.listEventSubscriptions({ workspaceId, ...page }, session.limits);
      return { items: answer.subscriptions, next: answer.nextPageToken };
    });
    await session.list("eventSubscription", found);
    return undefined;
  },
};
