import { type Found, type Gang, type Judgement, nameOf } from "../gang.js";
import { bare, eased, fewOf, groupsOf } from "../peers.js";
import type { Thresholds } from "../thresholds.js";
import { lasting, median, recent } from "../window.js";

const underLoadPercent = 50;

/** A GPU that runs slower than its peers under the same load, for its heat or its power: the whole gang is as slow as it is. */
export function stragglerByClock(gang: Gang, thresholds: Thresholds): Judgement {
  const { stragglerAfter, slowClock } = thresholds;
  const found: Found[] = [];
  let known = 0;
  for (const group of groupsOf(gang)) {
    const measured = group.flatMap((gpu) => {
      const clocks = recent(gang, gpu, "smClockMhz", stragglerAfter, thresholds);
      const used = recent(gang, gpu, "utilizationPercent", stragglerAfter, thresholds);
      return clocks && used ? [{ gpu, clock: median(clocks), used: median(used) }] : [];
    });
    known += measured.length;
    // An idle one has a low clock for no fault of its own.
    const loaded = measured.filter(({ used }) => used >= underLoadPercent);
    const slow = loaded.flatMap(({ gpu, clock }) => {
      const peers = loaded.filter((other) => other.gpu !== gpu).map((other) => other.clock);
      if (peers.length === 0) return [];
      const limit = eased(gang.isFound("straggler", gpu.uuid), slowClock, 1);
      return clock <= limit * median(peers) ? [{ gpu, clock, theirs: median(peers) }] : [];
    });
    if (slow.length > fewOf(loaded.length)) continue;
    for (const { gpu, clock, theirs } of slow) {
      const heat = heatText(gang, gpu, group, thresholds);
      const sentence = `${nameOf(gpu)} is slower than its peers: it runs at ${Math.round(clock)} MHz, they at ${Math.round(theirs)} MHz, for ${lasting(stragglerAfter)}${heat}; the others wait for it`;
      found.push({
        kind: "straggler",
        rule: "straggler-clock",
        gpus: [bare(gpu)],
        since: gang.now - stragglerAfter,
        sentence,
      });
    }
  }
  return found.length === 0 && known === 0 ? "unknown" : found;
}

/** Told where it explains something. */
const hotterBy = 10;

function heatText(gang: Gang, gpu: Gang["gpus"][number], group: Gang["gpus"], thresholds: Thresholds): string {
  const of = (each: Gang["gpus"][number]) =>
    recent(gang, each, "temperatureCelsius", thresholds.stragglerAfter, thresholds);
  const own = of(gpu);
  const theirs = group.filter((other) => other !== gpu).flatMap((other) => of(other) ?? []);
  if (!own || theirs.length === 0 || median(own) - median(theirs) < hotterBy)
    return ": look at its power and its slow-down reasons";
  return ` (it has ${Math.round(median(own))} °C, they ${Math.round(median(theirs))} °C): look at its cooling`;
}
