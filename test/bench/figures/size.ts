import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchSite, nodes } from "../bench-site.js";
import { percentile } from "../measure.js";
import { fillQueue, queueLength } from "./throughput.js";

export async function coordinatorRss(site: BenchSite): Promise<number> {
  await fillQueue(site, queueLength);
  return rssMiB(site.local.coordinatorPid);
}

/** The largest of the four agents', some seconds after they enrolled. */
export async function agentRss(site: BenchSite): Promise<number> {
  await delay(5_000);
  return Math.max(...nodes.map((node) => rssMiB(site.local.agentPid(node))));
}

/** The command line's first page, from its start to its end. */
export async function listQueued(site: BenchSite): Promise<number> {
  await fillQueue(site, queueLength);
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
