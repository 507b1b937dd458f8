import { exitCode } from "../../failure.js";
import { nameOption, noWaitOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const removal: Verb = {
  name: "remove",
  description: "Refuse a machine from now on: its certificate is revoked, and its jobs go on elsewhere",
  example: "stoker node remove m1 -y",
  argument: "[name]",
  options: [nameOption("node"), yesOption, noWaitOption],
  async run(call) {
    const id = call.nodeId();
    if (!(await call.confirm(`Revoke the certificate of ${id}, and run its jobs elsewhere?`))) return exitCode.failed;
    const session = await call.session();
    await session.nodes.removeNode({ id }, session.limits);
    if (!call.waits) return undefined;
    await call.notice(`${id} is refused from now on; waiting until nothing of its jobs can run there any more`);
    await untilGone(() => session.nodes.getNode({ id }, session.limits));
    return undefined;
  },
};
