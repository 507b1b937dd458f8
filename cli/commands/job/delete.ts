import { exitCode } from "../../failure.js";
import { experimentOption, nameOption, noWaitOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a job and its log; one that runs is terminated first",
  example: "stoker job delete -w lab -e first -n train -y",
  argument: "[name]",
  options: [nameOption("job"), workspaceOption, experimentOption, yesOption, noWaitOption],
  async run(call) {
    const id = await call.jobId();
    if (!(await call.confirm(`Delete ${id} and its log?`))) return exitCode.failed;
    const session = await call.session();
    await session.jobs.deleteJob({ id }, session.limits);
    if (call.waits) await untilGone(() => session.jobs.getJob({ id }, session.limits));
    return undefined;
  },
};
