import type { Verb } from "../../verb.js";
import { subscriptionOf, subscriptionOptions } from "./scope.js";

export const show: Verb = {
  name: "show",
  description: "Show a subscription: what waits, what went wrong",
  example: "stoker event show -w lab mail-1f00aa",
  argument: "[name]",
  options: subscriptionOptions,
  async run(call) {
    const which = await subscriptionOf(call);
    const session = await call.session();
    const { subscription } = await session.events.getEventSubscription(which, session.limits);
    await session.show("eventSubscription", subscription);
    return undefined;
  },
};
