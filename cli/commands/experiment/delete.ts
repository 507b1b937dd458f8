import { exitCode } from "../../failure.js";
import { nameOption, noWaitOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Terminate and delete an experiment's jobs, then the experiment",
  example: "stoker experiment delete -w lab -n first -y",
  argument: "[name]",
  options: [nameOption("experiment"), workspaceOption, yesOption, noWaitOption],
  async run(call) {
    const id = await call.childId("experiments", "experiment");
    if (!(await call.confirm(`Delete ${id} and its jobs?`))) return exitCode.failed;
    const session = await call.session();
    await session.experiments.deleteExperiment({ id }, session.limits);
    if (call.waits) await untilGone(() => session.experiments.getExperiment({ id }, session.limits));
    return undefined;
  },
};
