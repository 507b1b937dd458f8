import type { Instant } from "../state.js";

/** What was measured of a GPU in one step of time: means. What is absent was not measured, which is not zero. */
export interface Cell {
  /** Where the step begins. */
  readonly at: Instant;
  readonly utilizationPercent?: number;
  readonly powerWatts?: number;
  readonly smClockMhz?: number;
  readonly temperatureCelsius?: number;
  /** Of the machine's processors. */
  readonly cpuPercent?: number;
}

/** A GPU that a job holds, for people. */
export interface FoundGpu {
  readonly node: string;
  readonly index: number;
  readonly uuid: string;
  /** Those that use it, as far as the placement tells. */
  readonly ranks: readonly number[];
}

/** A GPU of a gang, and how it went. */
export interface WatchedGpu extends FoundGpu {
  readonly model: string;
  /** Oldest first. */
  readonly cells: readonly Cell[];
  /** It has worked in this attempt. */
  readonly worked: boolean;
  /** The most that it drew while it worked in this attempt. */
  readonly busyWatts?: number;
  /** The least that it was ever seen to draw while it did nothing. */
  readonly restingWatts?: number;
}

/** An attempt that runs, as far as its GPUs go. */
export interface Gang {
  readonly now: Instant;
  /** Its ranks run since. */
  readonly since: Instant;
  /** Those of nodes where ranks still live. */
  readonly gpus: readonly WatchedGpu[];
  /** Processes that work together; 1: one process, whatever it does with its GPUs. */
  readonly rankCount: number;
  /** Idle GPUs are told of after so long, when that is sooner than for every job. */
  readonly idleLimitMs?: number;
  /** `isFound`: so that what is known does not come and go around a limit. */
  isFound(kind: FindingKind, uuid: string): boolean;
}

export type FindingKind = "hang" | "straggler" | "idle";
export const findingKinds: readonly FindingKind[] = ["hang", "straggler", "idle"];

/** What a detector says of a gang. */
export interface Found {
  readonly kind: FindingKind;
  /** The detector. */
  readonly rule: string;
  /** Those that it is about: of a hang the ones that the others wait for, or all. */
  readonly gpus: readonly FoundGpu[];
  /** So it is at least since. */
  readonly since: Instant;
  /** For people, with what to do. */
  readonly sentence: string;
  /** All GPUs of the job are idle. */
  readonly whole?: true;
}

/** `unknown`: too little was measured to say that it is so, or that it is not. */
export type Judgement = readonly Found[] | "unknown";

export const nameOf = ({ node, index, ranks }: FoundGpu): string => `GPU ${index} of ${node}${rankText(ranks)}`;

function rankText(ranks: readonly number[]): string {
  const [first] = ranks;
  if (first === undefined) return "";
  return ranks.length === 1 ? ` (rank ${first})` : ` (ranks ${first} to ${ranks.at(-1)})`;
}

const namedMost = 4;

/** A few by name, the rest by number. */
export function namesOf(gpus: readonly FoundGpu[]): string {
  const names = gpus.slice(0, namedMost).map(nameOf).join(", ");
  return gpus.length > namedMost ? `${names} and ${gpus.length - namedMost} more` : names;
}
