import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchSite, nodes } from "../bench-site.js";
import { percentile } from "../measure.js";
import { submitMany } from "./throughput.js";

const queued = 10_000;
const filled = new WeakMap<BenchSite, Promise<string>>();

/** The experiment that holds 10,000 queued jobs; made once. */
function queue(site: BenchSite): Promise<string> {
  const made = filled.get(site) ?? fill(site);
  filled.set(site, made);
  return made;
}

async function fill(site: BenchSite): Promise<string> {
  const parent = await site.experiment("queue");
  await submitMany(site, { parent, count: queued, cluster: "none" });
  return parent;
}

export async function coordinatorRss(site: BenchSite): Promise<number> {
  await queue(site);
  return rssMiB(site.local.coordinatorPid);
}

/** The largest of the four agents', some seconds after they enrolled. */
export async function agentRss(site: BenchSite): Promise<number> {
  await delay(5_000);
  return Math.max(...nodes.map((node) => rssMiB(site.local.agentPid(node))));
}

/** The command line's first page, from its start to its end. */
export async function listQueued(site: BenchSite): Promise<number> {
  await queue(site);
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    const start = performance.now();
    await site.local.stoker(["job", "list", "-w", "bench", "-e", "queue"]);
    samples.push(performance.now() - start);
  }
  return percentile(samples, 50);
}

function rssMiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (line?.[1] === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(line[1]) / 1024;
}
