import { exitCode } from "../../failure.js";
import { nameOption, noWaitOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a cluster; its nodes become free",
  example: "stoker cluster delete -w lab -n gpus -y",
  argument: "[name]",
  options: [nameOption("cluster"), workspaceOption, yesOption, noWaitOption],
  async run(call) {
    const id = await call.childId("clusters", "cluster");
    if (!(await call.confirm(`Delete ${id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.clusters.deleteCluster({ id }, session.limits);
    if (call.waits) await untilGone(() => session.clusters.getCluster({ id }, session.limits));
    return undefined;
  },
};
