import { FaultSite } from "../fault-site.js";
import { percentile, wallMs } from "../measure.js";

/** As by default. */
const times = { ttlMs: 12_000, marginMs: 3_000, heartbeatMs: 2_000 };
const nodes = 12;
const gangs = 4;
const rounds = 4;

/** One node of two loses its power, of several jobs at once: to the first rank of each one's next attempt. */
export async function nodeLossToRerun(): Promise<{ p50: number; p95: number }> {
  const site = await FaultSite.start(nodes, times);
  try {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const jobs = Array.from({ length: gangs }, (_, index) => `r${round}j${index}`);
      for (const job of jobs) await site.submit(job, 2);
      samples.push(...(await Promise.all(jobs.map((job, index) => loseOne(site, job, index % 2)))));
      await site.terminateAll();
    }
    return { p50: percentile(samples, 50), p95: percentile(samples, 95) };
  } finally {
    await site.stop();
  }
}

async function loseOne(site: FaultSite, job: string, rank: number): Promise<number> {
  const victim = (await site.running(job, 1, 2))[rank];
  if (victim === undefined) throw new Error(`${job} runs nowhere`);
  const cut = wallMs();
  await victim.cutPower();
  await site.running(job, 2, 2);
  await victim.powerOn();
  const begun = site.journals(job, 2);
  return Math.min(...begun.map(({ marks }) => marks[0]?.wallMs ?? Number.POSITIVE_INFINITY)) - cut;
}
