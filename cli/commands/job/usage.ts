import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const usage: Verb = {
  name: "usage",
  description: "What a job made of its GPUs: how busy they were, how full, and what could be better",
  example: "stoker job usage -w lab -e first -n train",
  argument: "[name]",
  options: [
    nameOption("job"),
    workspaceOption,
    experimentOption,
    { flags: "--attempt <number>", description: "An earlier attempt; the latest is shown otherwise" },
  ],
  async run(call) {
    const id = await call.jobId();
    const attempt = call.whole("attempt", 1) ?? 0;
    const session = await call.session();
    const [response, { jobUsage, jobUsageJson }] = await Promise.all([
      session.jobs.getJobUsage({ id, attempt }, session.limits),
      import("../../output/job-usage.js"),
    ]);
    if (!response.usage) return undefined;
    if (session.isJson) await call.world.out(jobUsageJson(response.usage));
    else await call.world.out(jobUsage(response.usage));
    return undefined;
  },
};
