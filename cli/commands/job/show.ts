import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one job",
  example: "stoker job show -w lab -e first -n train -o json",
  argument: "[name]",
  options: [nameOption("job"), workspaceOption, experimentOption],
  async run(call) {
    const id = await call.jobId();
    const session = await call.session();
    const { job } = await session.jobs.getJob({ id }, session.limits);
    await session.show("job", job);
    return undefined;
  },
};
