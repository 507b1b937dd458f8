import type { Settings } from "../../../coordinator/core/settings.js";
import type { Hardware } from "./hardware.js";
import { Random } from "./random.js";

/** What a run is about; everything in it follows from the seed. */
export interface Plan {
  readonly seed: number;
  readonly kind: PlanKind;
  readonly machines: readonly Hardware[];
  readonly coordinatorRate: number;
  /** Nodes of cluster `c`; the others, if any, are for cluster `a`, which scales by itself. */
  readonly fixedNodes: number;
  readonly settings: Partial<Settings>;
  /** Jobs are submitted and faults injected for so long; then everything is put right, and must end. */
  readonly activeMs: number;
  readonly jobs: number;
  readonly longestJobMs: number;
  readonly maxWallClock: (random: Random) => string;
  /** Mean time between faults. */
  readonly faultEveryMs: number;
  /** Mean time between what operators do besides submitting. */
  readonly operatorEveryMs: number;
  /** Messages take different times; without, two runs that differ in the number of heartbeats are alike otherwise. */
  readonly jitter: boolean;
  /** How often each fault is drawn, against the others; absent ones are not. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
}

export type PlanKind = "chaos" | "partitions" | "outages" | "restarts" | "disks" | "operators" | "witnesses" | "lab";

export type FaultKind =
  | "coordinator killed"
  | "coordinator dies in a commit"
  | "coordinator stopped"
  | "coordinator loses power"
  | "coordinator's disk full"
  | "coordinator's clock jumps"
  | "agent killed"
  | "agent stopped"
  | "agent restarted"
  | "watchdog killed"
  | "machine loses power"
  | "machine's clock jumps"
  | "shim killed"
  | "old grant comes again"
  | "agent's disk full"
  | "agent's disk slow"
  | "filer gone"
  | "connection reset"
  | "way up cut"
  | "way down cut"
  | "cut off"
  | "way slow"
  | "all cut off"
  | "split"
  | "coordinator killed in a split"
  | "cut off among the restarted"
  | "left behind with late answers"
  | "answered late, then cut off";

/** Those that are made of several for one purpose are not among them. */
const all: Readonly<Partial<Record<FaultKind, number>>> = {
  "coordinator killed": 3,
  "coordinator dies in a commit": 4,
  "coordinator stopped": 2,
  "coordinator loses power": 1,
  "coordinator's disk full": 1,
  "coordinator's clock jumps": 1,
  "agent killed": 4,
  "agent stopped": 4,
  "agent restarted": 3,
  "watchdog killed": 1,
  "machine loses power": 3,
  "machine's clock jumps": 1,
  "shim killed": 2,
  "old grant comes again": 2,
  "agent's disk full": 1,
  "agent's disk slow": 2,
  "filer gone": 1,
  "connection reset": 3,
  "way up cut": 3,
  "way down cut": 3,
  "cut off": 4,
  "way slow": 2,
  "all cut off": 1,
  split: 3,
  "coordinator killed in a split": 2,
};

const some = (...kinds: FaultKind[]) => Object.fromEntries(kinds.map((kind) => [kind, all[kind]]));

const faultsOf: Record<PlanKind, Readonly<Partial<Record<FaultKind, number>>>> = {
  chaos: all,
  partitions: some(
    "coordinator killed",
    "agent stopped",
    "agent restarted",
    "connection reset",
    "way up cut",
    "way down cut",
    "cut off",
    "way slow",
    "all cut off",
    "split",
    "coordinator killed in a split",
  ),
  outages: {
    ...some(
      "coordinator killed",
      "coordinator loses power",
      "coordinator stopped",
      "agent stopped",
      "agent restarted",
      "agent killed",
      "way up cut",
      "way down cut",
      "cut off",
      "way slow",
      "connection reset",
      "machine loses power",
    ),
    "all cut off": 5,
    split: 8,
    "coordinator killed in a split": 8,
  },
  restarts: some("coordinator killed", "coordinator dies in a commit", "coordinator stopped", "agent restarted"),
  disks: some(
    "coordinator dies in a commit",
    "coordinator loses power",
    "coordinator's disk full",
    "agent killed",
    "machine loses power",
    "agent's disk full",
    "agent's disk slow",
    "shim killed",
    "filer gone",
  ),
  operators: some(
    "coordinator killed",
    "coordinator dies in a commit",
    "agent restarted",
    "machine loses power",
    "cut off",
  ),
  // Who is cut off asks those who have just started, or is answered late.
  witnesses: {
    ...some("coordinator killed", "cut off", "coordinator killed in a split"),
    "cut off among the restarted": 20,
    "left behind with late answers": 20,
    "answered late, then cut off": 20,
  },
  lab: all,
};

const kinds: readonly PlanKind[] = [
  "chaos",
  "chaos",
  "partitions",
  "partitions",
  "outages",
  "outages",
  "restarts",
  "disks",
  "operators",
  "witnesses",
];

/** A small site in deep trouble, for some minutes. */
export function planOf(seed: number, given?: PlanKind): Plan {
  const random = new Random(seed, "plan");
  const drawn = random.pick(kinds);
  const kind = given ?? drawn;
  const drift = random.chance(0.7) ? 0.01 : 0;
  const rate = () =>
    drift === 0 ? 1 : random.chance(0.4) ? random.pick([1 - drift, 1 + drift]) : 1 - drift + 2 * drift * random.next();
  // All alike: a job that fits one of them fits any, and so waits for none in particular.
  const asking = kind === "outages" || kind === "witnesses";
  const alike = { cpus: random.pick([4, 4, 8]), gpus: random.pick([2, 2, 4]) };
  const machines = Array.from({ length: asking ? random.int(2, 9) : random.int(2, 6) }, (_, index) => ({
    name: `n${index + 1}`,
    rate: rate(),
    witness: !random.chance(kind === "witnesses" ? 0 : 0.08),
    ...alike,
  }));
  return {
    seed,
    kind,
    machines,
    coordinatorRate: rate(),
    fixedNodes: machines.length >= 4 ? machines.length - 2 : machines.length,
    settings: {
      policy: random.pick(["backfill", "fifo"]),
      killGraceSeconds: random.pick([1, 5, 10]),
      witnesses: asking || random.chance(0.85),
    },
    activeMs: kind === "witnesses" ? random.span(200_000, 400_000) : random.span(60_000, 300_000),
    jobs: random.int(kind === "witnesses" ? 8 : 2, 14),
    longestJobMs: random.span(kind === "witnesses" ? 100_000 : 5_000, asking ? 300_000 : 90_000),
    maxWallClock: (one) => (one.chance(0.2) ? `PT${one.int(5, 90)}S` : "PT12H"),
    faultEveryMs: kind === "witnesses" ? random.span(40_000, 80_000) : random.span(3_000, 40_000),
    operatorEveryMs: kind === "operators" ? random.span(3_000, 15_000) : random.span(10_000, 120_000),
    jitter: true,
    faults: faultsOf[kind],
  };
}

/** A site like a lab's, for a day or so: faults are days apart on each machine, jobs take minutes to hours. */
export function labPlan(seed: number): Plan {
  const random = new Random(seed, "plan");
  return {
    seed,
    kind: "lab",
    machines: Array.from({ length: 20 }, (_, index) => ({
      name: `n${index + 1}`,
      cpus: 32,
      gpus: 4,
      witness: true,
      rate: 1 + 0.0001 * (random.next() - 0.5),
    })),
    coordinatorRate: 1,
    fixedNodes: 20,
    settings: {},
    activeMs: 24 * 3_600_000,
    jobs: 200,
    longestJobMs: 8 * 3_600_000,
    maxWallClock: () => "P2D",
    faultEveryMs: 2 * 3_600_000,
    operatorEveryMs: 2 * 3_600_000,
    jitter: true,
    faults: faultsOf.lab,
  };
}
