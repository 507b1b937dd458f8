import { type Gang, type Judgement, nameOf } from "../gang.js";
import { bare, eased, fewOf } from "../peers.js";
import type { Thresholds } from "../thresholds.js";
import { lasting, recent } from "../window.js";

/** One GPU waits for its own rank, for data mostly, while all others wait for it at full utilization. */
export function stragglerStarved(gang: Gang, thresholds: Thresholds): Judgement {
  const { stragglerAfter, starvedPercent, spinPercent, idlePercent } = thresholds;
  // Processes of their own may be as busy as they like.
  if (gang.rankCount < 2 || gang.gpus.length < 3) return [];
  const measured = gang.gpus.map((gpu) => ({
    gpu,
    used: recent(gang, gpu, "utilizationPercent", stragglerAfter, thresholds),
  }));
  if (measured.some(({ used }) => used === undefined)) return "unknown";
  const means = measured.map(({ gpu, used = [] }) => ({ gpu, mean: sum(used) / used.length }));
  const starved = means.filter(({ gpu, mean }) => {
    const limit = eased(gang.isFound("straggler", gpu.uuid), starvedPercent, spinPercent);
    // One that does nothing at all is idle: the others don't wait for it.
    return mean <= limit && mean >= idlePercent;
  });
  const busy = means.filter(({ mean }) => mean >= spinPercent);
  if (starved.length > fewOf(means.length) || starved.length + busy.length < means.length) return [];
  return starved.map(({ gpu, mean }) => ({
    kind: "straggler",
    rule: "straggler-starved",
    gpus: [bare(gpu)],
    since: gang.now - stragglerAfter,
    sentence: `${nameOf(gpu)} holds up its peers: it is used ${Math.round(mean)} % of the time, they at all times, for ${lasting(stragglerAfter)}; look at its rank's data loading, and at the disks, network and processors of ${gpu.node}`,
  }));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
