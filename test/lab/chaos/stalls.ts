import type { Disturbance } from "./blame.js";

const lookMs = 100;

/** Tells of times in which this process did not run, as when its host is busy: then the others may not have run either. */
export function watchStalls(tell: (stall: Disturbance) => void, leastMs: number): () => void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - last - lookMs;
    if (lateMs >= leastMs)
      tell({ kind: "stall", node: undefined, fromMs: Date.now() - lateMs - lookMs, untilMs: Date.now() });
    last = now;
  }, lookMs);
  return () => clearInterval(timer);
}
