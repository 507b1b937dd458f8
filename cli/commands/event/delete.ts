import { exitCode } from "../../failure.js";
import { yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { subscriptionOf, subscriptionOptions } from "./scope.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a subscription: what still waits for it is not sent",
  example: "stoker event delete -w lab mail-1f00aa -y",
  argument: "[name]",
  options: [...subscriptionOptions, yesOption],
  async run(call) {
    const which = await subscriptionOf(call);
    if (!(await call.confirm(`Delete subscription ${which.id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.events.deleteEventSubscription(which, session.limits);
    return undefined;
  },
};
