import type { LeaseRun } from "./lease-state.js";
import type { Monotonic } from "./time.js";

/**
 * Whether the coordinator is gone, or this node is cut off. A node whose lease runs out asks its witnesses; when more than half of them hear no
 * coordinator either, it has a permit, and its ranks run on. The argument for this is in docs/fencing.md.
 */

export interface WitnessSet {
  readonly version: number;
  /** How long a permit lasts. */
  readonly ttlMs: number;
  readonly members: readonly Witness[];
}

export interface Witness {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** What this node knows of the coordinator. `unknown`: it has not run for long enough to say. */
export type Verdict = "live" | "gone" | "unknown";

export type WitnessEffect =
  /** To each of them, at once. Who does not answer has not answered: nothing is repeated. */
  | { readonly type: "ask-witnesses"; readonly question: number; readonly members: readonly Witness[] }
  /** To whoever asked: `token` says who that was, and comes back as it was given. */
  | { readonly type: "answer-witness"; readonly token: string; readonly verdict: Verdict };

export interface WitnessState {
  readonly self: string;
  readonly startedAt: Monotonic;
  /** The newest that is on this node's disk; undefined when it has none, or may not ask. */
  readonly set: WitnessSet | undefined;
  /** When the last answer of the coordinator came. */
  readonly heardAt: Monotonic | undefined;
  /** When each question was sent: of the present set alone, as a permit is of one set. */
  readonly asked: ReadonlyMap<number, Monotonic>;
  /** By witness: its answer to the newest question that it answered. */
  readonly answers: ReadonlyMap<string, { readonly question: number; readonly verdict: Verdict }>;
}

export const noWitness = (self: string, startedAt: Monotonic): WitnessState => ({
  self,
  startedAt,
  set: undefined,
  heardAt: undefined,
  asked: new Map(),
  answers: new Map(),
});

/** Questions are asked so often in a lease's time. */
const questionsInLease = 12;
const questionsRemembered = 64;

/** From each answer on, the coordinator is taken for live for so long: the coordinator counts on it. */
const liveMs = (ttlMs: number) => (ttlMs * 2) / 3;

export function verdictOf({ heardAt, startedAt, set }: WitnessState, ttlMs: number, now: Monotonic): Verdict {
  // After a restart the lease time may not have been told yet: the longer is the safe one.
  const ms = liveMs(Math.max(ttlMs, set?.ttlMs ?? 0));
  if (heardAt !== undefined && now - heardAt < ms) return "live";
  // What was answered to an earlier agent of this node is not known.
  return now - startedAt < ms ? "unknown" : "gone";
}

/**
 * A session begins. Who may be asked is said anew in each: a coordinator that says nothing of it, being of an earlier release, reckons with no
 * permits either.
 */
export const sessionBegins = (before: WitnessState): WitnessState => ({
  ...before,
  set: undefined,
  asked: new Map(),
  answers: new Map(),
});

export function withSet(before: WitnessState, set: WitnessSet): WitnessState {
  if (before.set && set.version < before.set.version) return before;
  return { ...before, set, asked: new Map(), answers: new Map() };
}

/** Leases whose right to run was never interrupted: only those can be prolonged by anybody but the coordinator. */
export const unbroken = (leases: Iterable<LeaseRun>, now: Monotonic): LeaseRun[] =>
  [...leases].filter(({ expiresAt, frozen, progress }) => expiresAt > now && !frozen && progress.phase !== "done");

/** When the witnesses are to be asked (again); undefined while there is no need, or nobody to ask. */
export function askAt(
  state: WitnessState,
  leases: Iterable<LeaseRun>,
  ttlMs: number,
  now: Monotonic,
): Monotonic | undefined {
  const { set, heardAt, asked } = state;
  if (!set || set.members.every(({ name }) => name === state.self)) return undefined;
  const runs = unbroken(leases, now);
  if (runs.length === 0) return undefined;
  const first = Math.min(...runs.map(({ expiresAt }) => expiresAt));
  const silentAt = heardAt === undefined ? now : heardAt + liveMs(ttlMs);
  const last = [...asked.values()].at(-1);
  const again = last === undefined ? Number.NEGATIVE_INFINITY : last + set.ttlMs / questionsInLease;
  // Half of a permit is left then: time for several questions more.
  return Math.max(silentAt, first - set.ttlMs / 2, again);
}

export function withQuestion(state: WitnessState, now: Monotonic): { state: WitnessState; question: number } {
  // Counts up over restarts too, so that no answer meant for a predecessor is taken for one to us.
  const question = Math.max([...state.asked.keys()].at(-1) ?? 0, Math.floor(now)) + 1;
  const asked = new Map([...state.asked].slice(1 - questionsRemembered)).set(question, now);
  return { state: { ...state, asked }, question };
}

export function withAnswer(
  state: WitnessState,
  { from, question, verdict }: { from: string; question: number; verdict: Verdict },
): WitnessState {
  if (from === state.self || !state.asked.has(question)) return state;
  if (!state.set?.members.some(({ name }) => name === from)) return state;
  if ((state.answers.get(from)?.question ?? 0) >= question) return state;
  return { ...state, answers: new Map(state.answers).set(from, { question, verdict }) };
}

/** Until when the ranks may run by what more than half of the witnesses said: counted from when they were asked, not from their answers. */
export function permitUntil(state: WitnessState, ttlMs: number, now: Monotonic): Monotonic | undefined {
  const { set, asked, answers, self } = state;
  if (!set) return undefined;
  const askedAt = set.members.flatMap(({ name }) => {
    if (name === self) return verdictOf(state, ttlMs, now) === "gone" ? now : [];
    const answer = answers.get(name);
    return (answer?.verdict === "gone" ? asked.get(answer.question) : undefined) ?? [];
  });
  const oldest = askedAt.sort((a, b) => b - a).at(Math.floor(set.members.length / 2));
  return oldest === undefined ? undefined : oldest + set.ttlMs;
}
