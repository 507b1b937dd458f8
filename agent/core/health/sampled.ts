import { sameBus } from "../diagnosis/gpu.js";
import type { Instant } from "../time.js";
import type { Finding } from "./health.js";
import { missing } from "./missing.js";
import { lost } from "./rules/lost.js";
import type { GpuHealth, Health } from "./step.js";

/** A GPU in one of the frequent samples: whether it is there, and whether it answers. */
export interface SampledGpu {
  index: number;
  uuid?: string;
  busId?: string;
  trouble?: "lost" | "requires-reset" | "unknown-error";
}

/** One sample may have been cut off. */
const absencesMax = 2;
const absences = "absences";

/** What a sample shows beyond doubt needs no whole reading. It takes nothing back: that is for a whole reading to do. */
export function sampled(health: Health, gpus: readonly SampledGpu[], now: Instant): Health {
  let changed = false;
  const after = [...health].map(([uuid, known]): [string, GpuHealth] => {
    const next = one(known, rowOf(known, gpus), now);
    changed ||= next !== known;
    return [uuid, next];
  });
  return changed ? new Map(after) : health;
}

function one(known: GpuHealth, row: SampledGpu | undefined, now: Instant): GpuHealth {
  const { [absences]: absent = 0, ...streaks } = known.streaks;
  if (!row) {
    if (absent >= absencesMax) return known;
    const next = { ...known, streaks: { ...streaks, [absences]: absent + 1 } };
    return absent + 1 >= absencesMax ? { ...missing(next, now), streaks: next.streaks } : next;
  }
  const here = absent === 0 ? known : { ...known, streaks };
  return row.trouble === "lost" ? unreachable(here, now) : here;
}

/** The driver has given it up. */
export function unreachable(known: GpuHealth, now: Instant): GpuHealth {
  const { name, state, advice } = lost;
  if (known.findings.some(({ rule }) => rule === name)) return known;
  const finding: Finding = {
    ...{ rule: name, state, advice, since: now },
    words: "is lost: the driver can't reach it",
  };
  return { ...known, findings: [...known.findings, finding] };
}

/** What is to be looked at more closely, at once: a text that changes with it; "" when nothing is. */
export const oddities = (health: Health, gpus: readonly SampledGpu[]): string =>
  [...health.values()]
    .flatMap((known) => {
      const row = rowOf(known, gpus);
      const odd = row ? row.trouble : "absent";
      return odd === undefined ? [] : `${known.uuid} ${odd}`;
    })
    .join("\n");

/** One that can't tell its name has its place alone. */
const rowOf = (known: GpuHealth, gpus: readonly SampledGpu[]) =>
  gpus.find(
    ({ uuid, busId, index }) =>
      uuid === known.uuid ||
      (busId !== undefined && sameBus(known.busId, busId)) ||
      (uuid === undefined && busId === undefined && index === known.index),
  );
