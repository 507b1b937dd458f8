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
    if (!job || !session.isTable) return undefined;
    const [{ hasEnded }, { efficiencyOf }, { details }] = await Promise.all([
      import("../../follow/job-end.js"),
      import("../../follow/efficiency.js"),
      import("../../output/table.js"),
    ]);
    const [summary, ...advice] = hasEnded(job) ? await efficiencyOf(session, job) : [];
    if (summary !== undefined) {
      await call.world.out(
        details([["Efficiency", summary], ...advice.map((sentence): [string, string] => ["Advice", sentence])]),
      );
    }
    return undefined;
  },
};
