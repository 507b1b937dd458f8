import { OwnerSite } from "../../owner/owner-site.js";
import { percentile } from "../measure.js";

const rounds = 5;

interface Seen {
  freezeMs: number;
  moveMs: number;
}

let measured: Promise<Seen[]> | undefined;

/** On one machine and the other in turn. Both figures are of the same owners. */
async function seen(): Promise<Seen[]> {
  const site = await OwnerSite.start();
  try {
    const all: Seen[] = [];
    for (let round = 0; round < rounds; round++) {
      const { atMs, run } = await site.sitDown();
      const next = await site.after(run);
      all.push({ freezeMs: Math.max(0, site.again(run).lastMs - atMs), moveMs: next.firstMs - atMs });
      site.leave();
    }
    return all;
  } finally {
    await site.stop();
  }
}

const both = () => {
  measured ??= seen();
  return measured;
};

const parts = (samples: number[]) => ({ p50: percentile(samples, 50), p95: percentile(samples, 95) });

/** From an owner sitting down to the last sign of life of the job's process there. */
export const ownerReclaimFreeze = async () => parts((await both()).map(({ freezeMs }) => freezeMs));

/** From the same to the first process of the job's next attempt, on another machine. */
export const ownerReclaimMove = async () => parts((await both()).map(({ moveMs }) => moveMs));
