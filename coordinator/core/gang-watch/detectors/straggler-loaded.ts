import { type Gang, type Judgement, nameOf } from "../gang.js";
import { bare, eased, groupsOf } from "../peers.js";
import type { Thresholds } from "../thresholds.js";
import { lasting, median, quantile, recent } from "../window.js";

/** Peers that do the same work draw about the same. */
const alikePart = 0.25;

/** All are at full utilization, and one alone draws the power of work: the others poll in a collective until it has done its part. */
export function stragglerLoaded(gang: Gang, thresholds: Thresholds): Judgement {
  const { stragglerAfter, spinPercent, loadedPower } = thresholds;
  if (gang.rankCount < 2 || gang.gpus.length < 3) return [];
  let known = 0;
  for (const group of groupsOf(gang)) {
    if (group.length < 3) continue;
    const measured = group.flatMap((gpu) => {
      const used = recent(gang, gpu, "utilizationPercent", stragglerAfter, thresholds);
      const watts = recent(gang, gpu, "powerWatts", stragglerAfter, thresholds);
      return used && watts ? [{ gpu, used: median(used), watts: median(watts) }] : [];
    });
    if (measured.length < group.length) continue;
    known += measured.length;
    const [first, ...others] = [...measured].sort((a, b) => b.watts - a.watts);
    if (!first || measured.some(({ used }) => used < spinPercent)) continue;
    const theirs = others.map(({ watts }) => watts);
    const spread = quantile(theirs, 1) - quantile(theirs, 0);
    const limit = eased(gang.isFound("straggler", first.gpu.uuid), loadedPower, 1);
    if (first.watts < limit * median(theirs) || spread > alikePart * median(theirs)) continue;
    const sentence = `${nameOf(first.gpu)} holds up its peers: it draws ${Math.round(first.watts)} W and they ${Math.round(median(theirs))} W, all at full utilization, for ${lasting(stragglerAfter)}, as when they wait for it; look whether its rank has more to do than the others`;
    const gpus = [bare(first.gpu)];
    return [{ kind: "straggler", rule: "straggler-loaded", gpus, since: gang.now - stragglerAfter, sentence }];
  }
  return known === 0 ? "unknown" : [];
}
