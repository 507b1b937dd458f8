import { exitCode } from "../../failure.js";
import type { Verb } from "../../verb.js";
import { subscriptionOf, subscriptionOptions } from "./scope.js";

export const test: Verb = {
  name: "test",
  description: "Send a test event to a subscriber now, and show what came of it",
  example: "stoker event test -w lab mail-1f00aa",
  argument: "[name]",
  options: subscriptionOptions,
  async run(call) {
    const which = await subscriptionOf(call);
    const session = await call.session();
    const { delivered, result } = await session.events.testEventSubscription(which, session.limits);
    if (session.isJson) await session.json({ delivered, result });
    else await call.world.out(`${delivered ? "delivered" : "not delivered"}: ${result}\n`);
    return delivered ? undefined : exitCode.failed;
  },
};
