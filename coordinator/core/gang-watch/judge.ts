import { detectors } from "./detectors/index.js";
import type { Found, Gang } from "./gang.js";
import type { Thresholds } from "./thresholds.js";

export interface Verdicts {
  readonly found: readonly Found[];
  /** Of the other rules nothing can be said: what was found by them stays. */
  readonly judged: readonly string[];
}

/** All that the detectors say of a gang. One that hangs has no straggler besides. */
export function judge(gang: Gang, thresholds: Thresholds): Verdicts {
  const found: Found[] = [];
  const judged: string[] = [];
  for (const { rule, judge: ask } of detectors) {
    const said = ask(gang, thresholds);
    if (said === "unknown") continue;
    judged.push(rule);
    for (const each of said) if (!isTold(found, each)) found.push(each);
  }
  const hangs = found.some(({ kind }) => kind === "hang");
  return { found: hangs ? found.filter(({ kind }) => kind !== "straggler") : found, judged };
}

const isTold = (found: readonly Found[], { kind, gpus }: Found) =>
  found.some((other) => other.kind === kind && other.gpus.some(({ uuid }) => gpus.some((gpu) => gpu.uuid === uuid)));
