import { type Gang, type Judgement, namesOf } from "../gang.js";
import { bare } from "../peers.js";
import type { Thresholds } from "../thresholds.js";
import { lasting, recent } from "../window.js";

/** GPUs that are held, and that nobody uses. */
export function idle(gang: Gang, thresholds: Thresholds): Judgement {
  const forMs = Math.min(thresholds.idleAfter, gang.idleLimitMs ?? Number.POSITIVE_INFINITY);
  const measured = gang.gpus.map((gpu) => ({ gpu, used: recent(gang, gpu, "utilizationPercent", forMs, thresholds) }));
  const known = measured.filter(({ used }) => used !== undefined);
  if (known.length === 0) return "unknown";
  const unused = measured.filter(({ gpu, used }) =>
    // What is no longer measured is as it was.
    used ? used.every((percent) => percent < thresholds.idlePercent) : gang.isFound("idle", gpu.uuid),
  );
  if (unused.length === 0) return [];
  const gpus = unused.map(({ gpu }) => bare(gpu));
  const whole = gpus.length === gang.gpus.length && known.length === gang.gpus.length;
  const which = whole ? `each of its ${gpus.length} GPUs` : `${gpus.length} of its ${gang.gpus.length} GPUs`;
  const named = gpus.length === 1 ? namesOf(gpus) : `${which} (${namesOf(gpus)})`;
  const advice = whole ? "terminate it when it is of no more use" : "ask for fewer, or start a process for each";
  const sentence = `${named} ${gpus.length === 1 || whole ? "is" : "are"} held and not used for ${lasting(forMs)}: ${advice}`;
  return [{ kind: "idle", rule: "idle", gpus, since: gang.now - forMs, sentence, ...(whole ? { whole } : {}) }];
}
