import { exitCode } from "../../failure.js";
import { nameOption, noWaitOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Forget a machine that is gone",
  example: "stoker node delete -n m1 -y",
  argument: "[name]",
  options: [nameOption("node"), yesOption, noWaitOption],
  async run(call) {
    const id = call.nodeId();
    if (!(await call.confirm(`Delete ${id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.nodes.deleteNode({ id }, session.limits);
    if (call.waits) await untilGone(() => session.nodes.getNode({ id }, session.limits));
    return undefined;
  },
};
