import { ExecutionState, type Job } from "../../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Figure } from "../figure.js";
import type { Site } from "../site.js";
import { nowMs } from "../stamps.js";
import { until } from "../until.js";

const jobCount = 1_000;
const clientCount = 8;

export const jobsPerSecond: Figure = {
  keys: ["jobsPerSecond"],
  targets: { jobsPerSecond: { atLeast: 200 } },
  description: "1,000 single-rank jobs of `true`, 8 clients, 4 × 8 slots; first submit to last end",
  agents: 4,
  async measure(site) {
    const from = nowMs();
    await Promise.all(
      Array.from({ length: clientCount }, async () => {
        const client = site.connection();
        for (let index = 0; index < jobCount / clientCount; index += 1) {
          await site.submit(client, {
            nodeCount: 1,
            resources: { cpus: 1 },
            toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } },
          });
        }
      }),
    );
    const jobs = await allEnded(site);
    const failed = jobs.filter((job) => job.executionState !== ExecutionState.SUCCEEDED);
    if (failed.length > 0) throw new Error(`${failed.length} of ${jobs.length} jobs failed`);
    const lastEnd = Math.max(...jobs.map((job) => endMs(job)));
    return { jobsPerSecond: (jobCount / (lastEnd - from)) * 1_000 };
  },
};

/** Asks for one job at a time, so that looking costs the measured programs next to nothing. */
async function allEnded(site: Site): Promise<Job[]> {
  const client = site.connection().client(JobService);
  const parent = "workspaces/bench/experiments/bench";
  for (;;) {
    const { jobs } = await client.listJobs({ parent, pageSize: 1_000 });
    const open = jobs.filter((job) => endMs(job) === 0);
    const last = open.at(-1);
    if (!last) return jobs;
    await until(
      last.id,
      async () => {
        const { job } = await client.getJob({ id: last.id });
        return job !== undefined && endMs(job) > 0;
      },
      120_000,
    );
  }
}

function endMs(job: Job): number {
  const end = job.executionInfo?.endTime;
  return end ? Number(end.seconds) * 1_000 + end.nanos / 1e6 : 0;
}
