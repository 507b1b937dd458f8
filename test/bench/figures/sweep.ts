import { type BenchSite, single } from "../bench-site.js";
import { wallMs } from "../measure.js";

/** 1,000 jobs in one call, acknowledged and so on disk, to a cluster without nodes. */
export async function sweepSubmit(site: BenchSite): Promise<number> {
  const parent = await site.experiment("sweep");
  const api = site.jobs();
  const jobs = Array.from({ length: 1_000 }, (_, at) => ({
    name: `s-${at}`,
    spec: {
      ...single("true", "none"),
      sweep: { name: "s", index: at + 1, maxRunning: 10, parameters: { lr: String(at) } },
      environmentVariables: [{ name: "PARAM_LR", value: String(at) }],
    } as ReturnType<typeof single>,
  }));
  const start = wallMs();
  const answer = await api.createJobs({ parent, jobs });
  const tookMs = wallMs() - start;
  const refused = answer.jobs.find(({ errorMessage }) => errorMessage !== "");
  if (answer.jobs.length !== jobs.length || refused) throw new Error(`not all were made: ${refused?.errorMessage}`);
  return tookMs;
}
