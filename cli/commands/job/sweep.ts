import type { Call } from "../../call.js";
import { exitCode, usage } from "../../failure.js";
import { checkedName } from "../../ids.js";
import {
  clusterOption,
  configFileOption,
  experimentOption,
  mountOptions,
  nameOption,
  workspaceOption,
} from "../../options.js";
import type { Parameters } from "../../sweep/combinations.js";
import type { PlannedJob } from "../../sweep/plan.js";
import type { Verb } from "../../verb.js";
import { volumeFlags, warn } from "../bodies.js";

export const sweep: Verb = {
  name: "sweep",
  description: "Submit a job once for each combination of parameters, and rank the results",
  details:
    "In any text of the body {{lr}} stands for the parameter lr; the job also gets it as $PARAM_LR. Without -f it shows the sweep's jobs, or submits the failed ones again with --resubmit-failed.",
  example:
    "stoker job sweep -w lab -e first -n s -c gpus -f job.json --grid lr=0.1,0.01 --grid bs=32,64 --metric 'acc=([0-9.]+)' --wait",
  argument: "[name]",
  options: [
    nameOption("sweep"),
    workspaceOption,
    experimentOption,
    clusterOption,
    configFileOption("job.json"),
    {
      flags: "--grid <name=values>",
      description: "values, as lr=0.1,0.01; with --random also ranges: lr=0.1..1, lr=log:1e-5..1e-1, n=int:1..9",
      repeatable: true,
    },
    { flags: "--random <n=N,seed=S>", description: "N combinations drawn at random, the same for the same seed" },
    {
      flags: "--lines <file>",
      description:
        "one job for each line of a file, as the parameter line; of a .csv, .tsv or .jsonl with its own names for several",
    },
    {
      flags: "--files <pattern>",
      description: "one job for each file of a folder, or that 'data/*.csv' fits, as the parameter file",
    },
    { flags: "--max-running <count>", description: "at most so many at a time" },
    { flags: "--resubmit-failed", description: "submit again those that failed, and no others" },
    { flags: "--only-failed", description: "the same, by its former name", hidden: true },
    { flags: "--wait", description: "until all have ended; ends with 1 when one has failed" },
    { flags: "--metric <pattern>", description: "a number in the output, in brackets; the last one found counts" },
    { flags: "--lowest", description: "the lowest metric is the best" },
    ...mountOptions,
  ],
  async run(call) {
    const name = checkedName(call.name("sweep"), "sweep");
    const parent = await call.experiment();
    const { Metric } = await import("../../sweep/metric.js");
    const pattern = call.text("metric");
    const metric = pattern === undefined ? undefined : new Metric(pattern);
    const file = call.text("configFile");
    const planned = file === undefined ? undefined : await plan(call, name, file);
    const session = await call.session();
    const { jobsOfSweep, submitAll, isFailed, failedAgain } = await import("../../sweep/jobs.js");
    let refused = 0;
    const again = call.flag("resubmitFailed") || call.flag("onlyFailed");
    if (planned || again) {
      const jobs = again ? failedAgain(await jobsOfSweep(session, parent, name), planned) : (planned ?? []);
      const submitted = await submitAll(session, parent, jobs);
      refused = submitted.refused.length;
      for (const { name: job, message } of submitted.refused.slice(0, 10)) await call.notice(`${job}: ${message}`);
      if (refused > 10) await call.notice(`and ${refused - 10} more were refused`);
      await call.notice(`${submitted.made} ${submitted.made === 1 ? "job" : "jobs"} of sweep ${name} submitted`);
    }
    const [{ ranked, resultsJson, resultsOf, resultsTable }, { untilAllEnded }] = await Promise.all([
      import("../../sweep/results.js"),
      import("../../sweep/wait.js"),
    ]);
    const jobs = call.flag("wait")
      ? await untilAllEnded(call, session, () => jobsOfSweep(session, parent, name))
      : await jobsOfSweep(session, parent, name);
    if (jobs.length === 0 && !planned)
      throw usage(`there is no sweep ${name} in ${parent}; begin it with -f and --grid`);
    const results = ranked(await resultsOf(session, jobs, metric), call.flag("lowest"));
    await call.world.out(session.isJson ? resultsJson(results) : resultsTable(results, metric));
    return refused > 0 || (call.flag("wait") && jobs.some(isFailed)) ? exitCode.failed : undefined;
  },
};

async function plan(call: Call, name: string, file: string): Promise<PlannedJob[]> {
  const [{ readBody }, { withCluster }, { planJobs }] = await Promise.all([
    import("../../body/read.js"),
    import("../../body/job.js"),
    import("../../sweep/plan.js"),
  ]);
  const combinations = await combinationsOf(call);
  const flags = { ...(await volumeFlags(call)), cluster: call.text("cluster") };
  const maxRunning = call.whole("maxRunning", 1) ?? 0;
  const { jobs, warnings } = planJobs(await readBody(file, call.world), flags, { name, combinations, maxRunning });
  const { cluster } = await call.settings();
  for (const { spec } of jobs) {
    if (spec.cluster?.id) continue;
    if (cluster === undefined) throw usage("which cluster? give it with -c, STOKER_CLUSTER or a profile");
    withCluster(spec, cluster, flags.workspace);
  }
  await warn(call, file, warnings);
  return jobs;
}

async function combinationsOf(call: Call): Promise<Parameters[]> {
  const [{ namesOf, parseAxis }, { drawn, grid }, { listed }] = await Promise.all([
    import("../../sweep/axis.js"),
    import("../../sweep/combinations.js"),
    import("../../sweep/listed.js"),
  ]);
  const axes = [...call.texts("grid").map(parseAxis), ...(await listed(call.text("lines"), call.text("files")))];
  if (axes.length === 0) throw usage("which parameters? give them with --grid, --lines or --files");
  const names = axes.flatMap(namesOf);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw usage(`--grid: the parameter ${twice} is given twice`);
  const random = call.text("random");
  if (random === undefined) return grid(axes);
  const [, count, seed = "1"] = /^n=(\d{1,9})(?:,seed=(\d{1,9}))?$/.exec(random) ?? [];
  if (count === undefined || Number(count) < 1) throw usage(`--random "${random}": expected n=20 or n=20,seed=1`);
  return drawn(axes, Number(count), Number(seed));
}
