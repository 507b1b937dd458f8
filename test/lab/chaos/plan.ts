import { Random } from "./random.js";

/** What can be done to a site, most of it `kill -9` and `kill -STOP`. */
export const faultKinds = [
  "kill-coordinator",
  "kill-agent",
  "kill-nats",
  "kill-shim",
  "kill-watchdog",
  "kill-agent-and-watchdog",
  "freeze-coordinator",
  "freeze-agent",
  "freeze-nats",
  "freeze-watchdog",
  "partition",
  "partition-from-coordinator",
  "partition-to-coordinator",
  "power-cut",
] as const;
/** And on machines with a network of their own. */
export const machineFaultKinds = [...faultKinds, "isolate"] as const;
export type FaultKind = (typeof machineFaultKinds)[number];

export interface Fault {
  atMs: number;
  kind: FaultKind;
  /** Index of the node it is done to; the coordinator's and NATS' faults have none. */
  node: number | undefined;
  /** Which one of several, from 0 up to 1: the shim of those that run by then; whether a cut connection lives on. */
  pick: number;
  /** Until it is undone: started again, continued, healed. */
  lastsMs: number;
}

export interface PlanSettings {
  seed: number;
  runMs: number;
  nodes: number;
  ttlMs: number;
  marginMs: number;
  kinds: readonly FaultKind[];
  /** On average. */
  everyMs: number;
  /** Of those that last, the part that lasts longer than it takes to lose a node. */
  longShare: number;
}

/** How often each comes, beside the others. */
const weights: Record<FaultKind, number> = {
  "kill-coordinator": 4,
  "kill-agent": 4,
  "kill-nats": 3,
  "kill-shim": 3,
  "kill-watchdog": 3,
  "kill-agent-and-watchdog": 2,
  "freeze-coordinator": 2,
  "freeze-agent": 3,
  "freeze-nats": 1,
  "freeze-watchdog": 1,
  partition: 2,
  "partition-from-coordinator": 1,
  "partition-to-coordinator": 1,
  "power-cut": 1,
  isolate: 1,
};

const nobodys: readonly FaultKind[] = ["kill-coordinator", "kill-nats", "freeze-coordinator", "freeze-nats"];
const isInstant = (kind: FaultKind) => kind === "kill-nats" || kind === "kill-shim" || kind === "kill-watchdog";

/** The same for the same settings. What comes of it is real time's, and differs. */
export function planOf(settings: PlanSettings): Fault[] {
  const { seed, runMs, nodes, kinds, everyMs } = settings;
  const random = new Random(seed);
  const urn = kinds.flatMap((kind) => Array.from({ length: weights[kind] }, () => kind));
  const plan: Fault[] = [];
  for (let atMs = random.between(0, everyMs); atMs < runMs; atMs += random.between(0.1, 1.9) * everyMs) {
    const kind = random.among(urn);
    // Each draws as many numbers, so that a plan of fewer kinds is not another one throughout.
    const [at, pick, lastsMs] = [random.whole(0, nodes - 1), random.next(), duration(kind, random, settings)];
    plan.push({ atMs: Math.round(atMs), kind, node: nobodys.includes(kind) ? undefined : at, pick, lastsMs });
  }
  return plan;
}

/** Either well within a lease, or longer than it takes to lose a node. */
function duration(kind: FaultKind, random: Random, { ttlMs, marginMs, longShare }: PlanSettings): number {
  const long = random.next() < longShare;
  const part = random.next();
  if (isInstant(kind)) return 0;
  if (kind === "freeze-watchdog") return Math.round(ttlMs * part);
  return Math.round(long ? ttlMs + marginMs + part * ttlMs : part * ttlMs * 0.4);
}
