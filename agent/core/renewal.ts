import type { Monotonic } from "./time.js";

/**
 * When each heartbeat was sent, so that its answer renews from then and not from when it came: the coordinator counts from no later than
 * its receipt, so this node always stops first.
 */
export interface Sent {
  readonly at: ReadonlyMap<bigint, Monotonic>;
}

export const nothingSent: Sent = { at: new Map() };
/** Answers to heartbeats older than these are of no use. */
const remembered = 64;

export function sent(before: Sent, sequence: bigint, at: Monotonic): Sent {
  const all = new Map(before.at).set(sequence, at);
  for (const old of all.keys()) {
    if (all.size <= remembered) break;
    all.delete(old);
  }
  return { at: all };
}

/** The sending time of the heartbeat that is answered, or undefined when it was never sent (or long ago): such an answer renews nothing. */
export function answered(before: Sent, sequence: bigint): { at: Monotonic | undefined; rest: Sent } {
  const at = before.at.get(sequence);
  if (at === undefined) return { at, rest: before };
  return { at, rest: { at: new Map([...before.at].filter(([other]) => other > sequence)) } };
}
