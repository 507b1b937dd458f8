import { exitCode } from "../../failure.js";
import { experimentOption, nameOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const terminate: Verb = {
  name: "terminate",
  description: "Stop a job; nothing happens to one that has ended",
  example: "stoker job terminate -w lab -e first -n train -y",
  argument: "[name]",
  options: [nameOption("job"), workspaceOption, experimentOption, yesOption],
  async run(call) {
    const id = await call.jobId();
    if (!(await call.confirm(`Terminate ${id}?`))) return exitCode.failed;
    const session = await call.session();
    const { job } = await session.jobs.terminateJob({ id }, session.limits);
    await session.summary("job", job);
    return undefined;
  },
};
