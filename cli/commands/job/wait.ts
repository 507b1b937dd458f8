import { exitCode } from "../../failure.js";
import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const wait: Verb = {
  name: "wait",
  description: "Wait until a job has ended; ends with the job's exit code",
  example: "stoker job wait -w lab -e first -n train && echo trained",
  argument: "[name]",
  options: [
    nameOption("job"),
    workspaceOption,
    experimentOption,
    // `az batchai` polled; here the coordinator tells.
    { flags: "--interval <seconds>", description: "has no effect", hidden: true },
  ],
  async run(call) {
    const id = await call.jobId();
    const session = await call.session();
    const [{ Line }, { jobEnd }, { progressText }, { exitCodeOf, failureText }, { tellEfficiency }] = await Promise.all(
      [
        import("../../follow/line.js"),
        import("../../follow/watch.js"),
        import("../../follow/progress.js"),
        import("../../follow/job-end.js"),
        import("../../follow/efficiency.js"),
      ],
    );
    let last = "";
    const { signal } = new AbortController();
    const job = await jobEnd(session, new Line(call, session.address), id, signal, async (seen) => {
      const text = progressText(seen);
      if (call.world.isInteractive && text !== last) await call.notice(text);
      last = text;
    });
    if (!job) return exitCode.failed;
    const failure = failureText(job);
    if (failure) await call.notice(failure);
    await tellEfficiency(call, session, job);
    return exitCodeOf(job);
  },
};
