import type { FaultKind } from "./plan.js";

/** What was done, as it went; times of the wall's clock. A stall is the host's own: nobody ran for that long. */
export interface Disturbance {
  kind: FaultKind | "stall";
  /** Undefined when it was done to the coordinator or to NATS. */
  node: string | undefined;
  fromMs: number;
  untilMs: number;
}

export interface BlameSettings {
  ttlMs: number;
  marginMs: number;
  /** From its undoing until the agent is surely heard again: starts and dials again. */
  recoveryMs: number;
}

interface Attempt {
  nodes: readonly string[];
  startMs: number;
  endMs: number | undefined;
}

/** These take processes with them. */
const deadly: ReadonlySet<string> = new Set(["kill-shim", "power-cut"]);
/** The coordinator does not hear the node meanwhile, or it does not hear anybody. */
const silencing: ReadonlySet<string> = new Set([
  "kill-agent",
  "kill-agent-and-watchdog",
  "freeze-agent",
  "partition",
  "partition-from-coordinator",
  "partition-to-coordinator",
  "isolate",
  "power-cut",
  "stall",
]);
const coordinators: ReadonlySet<string> = new Set(["kill-coordinator", "freeze-coordinator"]);

/** Why the attempt may have ended by no fault of its own; undefined when it should have lived. */
export function blameFor(attempt: Attempt, all: readonly Disturbance[], settings: BlameSettings): string | undefined {
  const { startMs, endMs = Number.POSITIVE_INFINITY } = attempt;
  const within = ({ fromMs, untilMs }: { fromMs: number; untilMs: number }) => fromMs <= endMs && untilMs >= startMs;
  for (const node of attempt.nodes) {
    const own = all.filter((each) => each.node === node && within(late(each, settings.recoveryMs)));
    const killer = own.find(({ kind }) => deadly.has(kind));
    if (killer) return killer.kind;
    const silence = silences(node, all, settings).find(within);
    if (silence) return silence.kind;
  }
  return undefined;
}

const late = (each: Disturbance, ms: number): Disturbance => ({ ...each, untilMs: each.untilMs + ms });

/** Times in which a node may have been silent for so long that it had to be given up; what follows closely counts as one. */
function silences(node: string, all: readonly Disturbance[], { ttlMs, marginMs, recoveryMs }: BlameSettings) {
  const merged: Array<{ kind: string; own: boolean; fromMs: number; untilMs: number }> = [];
  const relevant = all
    .filter(
      ({ kind, node: whose }) => coordinators.has(kind) || kind === "stall" || (silencing.has(kind) && whose === node),
    )
    .map((each) => ({ ...late(each, recoveryMs), own: !coordinators.has(each.kind) }))
    .sort((a, b) => a.fromMs - b.fromMs);
  for (const each of relevant) {
    const last = merged.at(-1);
    if (last === undefined || last.untilMs < each.fromMs) merged.push({ ...each });
    else {
      last.untilMs = Math.max(last.untilMs, each.untilMs);
      last.own ||= each.own;
      last.kind = "several at once";
    }
  }
  // The coordinator's own absence is never a reason.
  return merged.filter((each) => each.own && each.untilMs - each.fromMs >= ttlMs + marginMs);
}
