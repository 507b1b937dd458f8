import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";
import { ofUser, ofUserOption } from "./of-user.js";

export const list: Verb = {
  name: "list",
  description: "List your tokens and certificates, with when each was used last",
  example: "stoker token list",
  options: [ofUserOption, ...pagingOptions],
  async run(call) {
    const session = await call.session();
    const user = ofUser(call);
    const tokens = await pages(call, async (page) => {
      const answer = await session.users.listTokens({ user, ...page }, session.limits);
      return { items: answer.tokens, next: answer.nextPageToken };
    });
    await session.list("apiToken", tokens);
    return undefined;
  },
};
