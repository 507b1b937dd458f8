import { type BlameSettings, blameFor, type Disturbance } from "./blame.js";
import { type PlannedJob, stdoutOf } from "./jobs.js";
import type { Journal } from "./journal.js";
import type { AttemptOutcome, JobOutcome } from "./outcome.js";

export const violationKinds = [
  "lost",
  "wrong end",
  "overlapping",
  "killed by restarts",
  "outlived its attempt",
  "missing log bytes",
  "over-allocated",
  "left behind",
  "crashed",
] as const;
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  kind: ViolationKind;
  what: string;
}

/** All that is looked at: what the jobs wrote, what was acknowledged, what the API says, and what was done. */
export interface Evidence extends BlameSettings {
  acknowledged: readonly string[];
  planned: ReadonlyMap<string, PlannedJob>;
  outcomes: readonly JobOutcome[];
  journals: readonly Journal[];
  disturbances: readonly Disturbance[];
  cpusPerNode: number;
  sharesHost: boolean;
  leftovers: readonly string[];
  crashes: readonly string[];
}

export interface Finding {
  violations: Violation[];
  /** How many attempts ended by each fault that had to end them. */
  blamed: Map<string, number>;
}

/** The laws, by what can be seen from outside. */
export function check(evidence: Evidence): Finding {
  const finding: Finding = { violations: [], blamed: new Map() };
  const { violations } = finding;
  const say = (kind: ViolationKind, what: string) => violations.push({ kind, what });
  const byJob = groupBy(evidence.journals, ({ job }) => job);
  const outcomes = new Map(evidence.outcomes.map((outcome) => [outcome.name, outcome]));
  for (const name of evidence.acknowledged) {
    const outcome = outcomes.get(name);
    if (outcome === undefined) say("lost", `${name} was acknowledged and is not in the catalog`);
    else if (outcome.state === "unended") say("lost", `${name} was acknowledged and has not ended`);
  }
  for (const outcome of evidence.outcomes) {
    const planned = evidence.planned.get(outcome.name);
    if (planned === undefined) {
      say("lost", `${outcome.name} is in the catalog and was never submitted`);
      continue;
    }
    const journals = byJob.get(outcome.name) ?? [];
    checkEnd(outcome, planned, journals, evidence, say);
    checkOverlap(outcome.name, journals, say);
    for (const attempt of outcome.attempts) {
      const own = journals.filter((journal) => journal.attempt === attempt.number);
      const blame = checkCause(outcome, attempt, own, evidence, say);
      if (blame !== undefined) finding.blamed.set(blame, (finding.blamed.get(blame) ?? 0) + 1);
      checkLifetime(outcome.name, attempt, own, say);
      checkLogs(planned, attempt, own, evidence, say);
    }
  }
  checkAllocation(evidence, say);
  for (const what of evidence.leftovers) say("left behind", what);
  for (const what of evidence.crashes) say("crashed", what);
  return finding;
}

type Say = (kind: ViolationKind, what: string) => void;

const isRank = ({ marks }: Journal) => marks[0]?.what !== "stay";
const codeOf = ({ marks }: Journal) => {
  const [, code] = /^end(\d+)$/.exec(marks.at(-1)?.what ?? "") ?? [];
  return code === undefined ? undefined : Number(code);
};

function checkEnd(outcome: JobOutcome, planned: PlannedJob, journals: Journal[], evidence: Evidence, say: Say): void {
  const { name, state, exitCode, errors, attempts } = outcome;
  if (state === "unended" || planned.terminateAfterMs !== undefined) return;
  if (exitCode === 137 && planned.nodeCount > 1 && diedTogether(attempts.at(-1), evidence)) return;
  const expected = planned.exitCode === 0 ? "succeeded" : "failed";
  if (state !== expected || exitCode !== planned.exitCode) {
    say(
      "wrong end",
      `${name} ${state} with ${exitCode} (${errors.join("; ")}) and not ${expected} with ${planned.exitCode}`,
    );
  }
  if (state !== "succeeded") return;
  const last = attempts.at(-1)?.number;
  for (let rank = 0; rank < planned.nodeCount; rank++) {
    const ran = journals.some((journal) => journal.attempt === last && journal.rank === rank && codeOf(journal) === 0);
    if (!ran) say("wrong end", `${name} succeeded, but rank ${rank} of attempt ${last} did not come to its end`);
  }
}

/**
 * A node ends what is left of a lease by what the processes carry, which on one host are the other nodes' too: those then look as if they
 * had been killed by somebody.
 */
const diedTogether = (attempt: AttemptOutcome | undefined, { disturbances, sharesHost }: Evidence) =>
  sharesHost &&
  attempt !== undefined &&
  disturbances.some(
    ({ kind, node, fromMs }) =>
      (kind === "kill-shim" || kind === "power-cut") &&
      attempt.nodes.includes(node ?? "") &&
      fromMs >= attempt.startMs &&
      fromMs <= (attempt.endMs ?? fromMs),
  );

/** By the clock of the machine, which all of them share. */
function checkOverlap(name: string, journals: Journal[], say: Say): void {
  const spans = [
    ...groupBy(
      journals.filter(({ marks }) => marks.length > 0),
      ({ attempt }) => attempt,
    ),
  ].map(([attempt, all]) => ({
    attempt,
    first: Math.min(...all.map(({ marks }) => marks[0]?.bootMs ?? Number.POSITIVE_INFINITY)),
    last: Math.max(...all.map(({ marks }) => marks.at(-1)?.bootMs ?? 0)),
  }));
  for (const earlier of spans) {
    for (const later of spans) {
      if (earlier.attempt >= later.attempt || earlier.last < later.first) continue;
      const ms = Math.round(Math.min(earlier.last, later.last) - later.first);
      say(
        "overlapping",
        `attempt ${earlier.attempt} of ${name} still ran ${ms} ms after attempt ${later.attempt} had begun`,
      );
    }
  }
  for (const [key, all] of groupBy(
    journals.filter(isRank),
    ({ attempt, rank }) => `rank ${rank} of attempt ${attempt}`,
  )) {
    if (all.length > 1) say("overlapping", `${key} of ${name} was started ${all.length} times`);
  }
}

/** What the attempt's end is blamed on, when it was no end of its own. */
function checkCause(
  outcome: JobOutcome,
  attempt: AttemptOutcome,
  own: Journal[],
  evidence: Evidence,
  say: Say,
): string | undefined {
  if (!["failed", "lost", "preempted"].includes(attempt.state)) return undefined;
  if (own.some((journal) => (codeOf(journal) ?? 0) !== 0)) return undefined;
  const blame = blameFor(attempt, evidence.disturbances, evidence);
  if (blame === undefined) {
    const when = `${time(attempt.startMs)} to ${time(attempt.endMs)}`;
    say(
      "killed by restarts",
      `attempt ${attempt.number} of ${outcome.name} on ${attempt.nodes.join(", ")}, ${when}: ${attempt.state}, ${attempt.reason}`,
    );
  }
  return blame;
}

function checkLifetime(name: string, { number, endMs }: AttemptOutcome, own: Journal[], say: Say): void {
  if (endMs === undefined) return;
  for (const { node, rank, marks } of own) {
    const last = marks.at(-1);
    if (last === undefined || last.wallMs <= endMs) continue;
    say(
      "outlived its attempt",
      `rank ${rank} of attempt ${number} of ${name} on ${node}: "${last.what}" ${Math.round(last.wallMs - endMs)} ms after its end`,
    );
  }
}

function checkLogs(planned: PlannedJob, attempt: AttemptOutcome, own: Journal[], evidence: Evidence, say: Say): void {
  for (const { rank, node, marks } of own.filter(isRank)) {
    const whose = `rank ${rank} of attempt ${attempt.number} of ${planned.name} on ${node}`;
    const log = attempt.logs.get(rank);
    const text = log?.text ?? Buffer.alloc(0);
    const expected = stdoutOf(planned, attempt.number, rank);
    const written = marks.at(-1)?.stdoutBytes ?? 0;
    if (log && log.gaps > 0) say("missing log bytes", `${whose}: ${log.gaps} gaps`);
    else if (!text.equals(expected.subarray(0, text.length)))
      say("missing log bytes", `${whose}: other bytes than it wrote`);
    // With the shim goes what it had not copied yet, as on a machine without power.
    const torn = evidence.disturbances.some(
      ({ kind, node: where, fromMs }) =>
        (kind === "kill-shim" || kind === "power-cut") &&
        where === node &&
        fromMs >= attempt.startMs &&
        fromMs <= (attempt.endMs ?? fromMs),
    );
    if (torn) continue;
    if (text.length < written) say("missing log bytes", `${whose}: ${text.length} of ${written} bytes`);
    // How much a lost node wrote is told by nobody.
    else if (log && !log.complete && attempt.state !== "lost")
      say("missing log bytes", `${whose}: all are there and not said to be complete`);
  }
}

/** Cores of those that ran on a node at the same moment. */
function checkAllocation({ journals, planned, cpusPerNode }: Evidence, say: Say): void {
  for (const [node, here] of groupBy(journals, (journal) => journal.node)) {
    const changes = [...groupBy(here, ({ job, attempt }) => `${job}.${attempt}`).values()].flatMap((all) => {
      const marks = all.flatMap((journal) => journal.marks.map(({ bootMs }) => bootMs));
      const cpus = planned.get(all[0]?.job ?? "")?.cpus ?? 0;
      if (marks.length === 0) return [];
      return [
        {
          at: all.reduce((least, { marks: own }) => Math.min(least, own[0]?.bootMs ?? least), Number.POSITIVE_INFINITY),
          cpus,
        },
        { at: all.reduce((most, { marks: own }) => Math.max(most, own.at(-1)?.bootMs ?? most), 0), cpus: -cpus },
      ];
    });
    let used = 0;
    for (const { at, cpus } of changes.sort((a, b) => a.at - b.at || a.cpus - b.cpus)) {
      used += cpus;
      if (used > cpusPerNode) {
        say(
          "over-allocated",
          `${node}: ${used} of ${cpusPerNode} cores ${Math.round(at)} ms after the machine's start`,
        );
        break;
      }
    }
  }
}

const time = (ms: number | undefined) => (ms === undefined ? "now" : new Date(ms).toISOString().slice(11, 23));

function groupBy<T, K>(all: readonly T[], keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const each of all) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return groups;
}
