import { setTimeout as delay } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ExecutionState } from "../../../shared/gen/stoker/v1/job_pb.js";
import { type BenchSite, single } from "../bench-site.js";
import { wallMs } from "../measure.js";

const clients = 8;
/** Another of the same site's has another experiment. */
let measured = 0;

/** 1,000 jobs of `true` from 8 clients: first submit to the end of the last. */
export async function jobsPerSecond(site: BenchSite): Promise<number> {
  const count = 1_000;
  const parent = await site.experiment(`throughput-${measured++}`);
  const start = wallMs();
  const ids = await submitMany(site, { parent, count, cluster: "all" });
  return (count / (Math.max(...(await ends(site, ids))) - start)) * 1000;
}

/** Submits that are acknowledged, and so on disk, to a cluster without nodes. */
export async function durableSubmitsPerSecond(site: BenchSite): Promise<number> {
  const warm = 500;
  await fillQueue(site, warm);
  const start = wallMs();
  await fillQueue(site, queueLength);
  return ((queueLength - warm) / (wallMs() - start)) * 1000;
}

export const queueLength = 10_000;
const queued = new WeakMap<BenchSite, { parent: string; count: number }>();

/** Adds to the queue that several figures share, until it holds so many; the id of its experiment. */
export async function fillQueue(site: BenchSite, count: number): Promise<string> {
  const queue = queued.get(site) ?? { parent: await site.experiment("queue"), count: 0 };
  queued.set(site, queue);
  const { parent, count: before } = queue;
  if (count > before) await submitMany(site, { parent, count: count - before, cluster: "none", prefix: `q${before}-` });
  queue.count = Math.max(count, before);
  return parent;
}

interface Many {
  parent: string;
  count: number;
  cluster: string;
  prefix?: string;
}

/** Each client has a connection and sends its next job when the last was acknowledged. */
async function submitMany(site: BenchSite, { parent, count, cluster, prefix = "j" }: Many): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  const submitter = async () => {
    const jobs = site.jobs();
    while (next < count) {
      const { job } = await jobs.createJob({ parent, name: `${prefix}${next++}`, spec: single("true", cluster) });
      ids.push(job?.id ?? "");
    }
  };
  await Promise.all(Array.from({ length: clients }, submitter));
  return ids;
}

/** When each ended, in the coordinator's record. Asks about one at a time, to leave the processors to the jobs. */
async function ends(site: BenchSite, ids: string[]): Promise<number[]> {
  const jobs = site.jobs();
  const times: number[] = [];
  // The last ones first: when they have ended, so have most.
  for (const id of [...ids].reverse()) {
    for (;;) {
      const { job } = await jobs.getJob({ id });
      if (job?.executionState === ExecutionState.FAILED) throw new Error(`${id} failed`);
      const end = job?.executionInfo?.endTime;
      if (job?.executionState === ExecutionState.SUCCEEDED && end) {
        times.push(timestampMs(end));
        break;
      }
      await delay(50);
    }
  }
  return times;
}
