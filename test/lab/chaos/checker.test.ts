import { describe, expect, it } from "vitest";
import { check, type Evidence, type ViolationKind } from "./checker.js";
import { type PlannedJob, stdoutOf } from "./jobs.js";
import type { Journal } from "./journal.js";
import type { AttemptOutcome, JobOutcome } from "./outcome.js";

const planned = (name: string): PlannedJob => ({
  ...{ name, nodeCount: 1, cpus: 3, manner: "plain", lines: 3, exitCode: 0 },
  ...{ retries: 0, padding: 5, terminateAfterMs: undefined },
});

/** A rank that marks every 100 ms from `from` on; the wall's clock is 1 s ahead of the machine's. */
function journal(job: string, attempt: number, from: number, ...words: string[]): Journal {
  const line = stdoutOf(planned(job), attempt, 0).length / 3;
  const marks = words.map((what, index) => ({
    ...{ what, bootMs: from + index * 100, wallMs: 1000 + from + index * 100 },
    stdoutBytes: Math.min(index, 3) * line,
  }));
  return { job, attempt, node: "n1", rank: 0, pid: 100 + attempt, marks };
}

const whole = ["begin", "mark", "mark", "mark", "end0"];

function attempt(job: string, number: number, state: string, startMs: number, endMs: number): AttemptOutcome {
  const logs = new Map([[0, { text: stdoutOf(planned(job), number, 0), gaps: 0, complete: true, droppedBytes: 0 }]]);
  return { number, nodes: ["n1"], state, reason: "node n1 was lost", startMs, endMs, logs };
}

const done = (name: string, ...attempts: AttemptOutcome[]): JobOutcome => ({
  ...{ name, state: "succeeded", exitCode: 0, errors: [], attempts },
});

/** Two attempts of one job, after the first of which the node was cut off for long. */
const sound = (): Evidence => ({
  ...{ ttlMs: 6_000, marginMs: 1_000, recoveryMs: 1_000, cpusPerNode: 4, sharesHost: true },
  acknowledged: ["a"],
  planned: new Map([
    ["a", planned("a")],
    ["b", planned("b")],
  ]),
  outcomes: [done("a", attempt("a", 1, "lost", 1_000, 9_000), attempt("a", 2, "succeeded", 21_000, 22_000))],
  journals: [journal("a", 1, 0, ...whole.slice(0, 4)), journal("a", 2, 20_000, ...whole)],
  disturbances: [{ kind: "partition", node: "n1", fromMs: 1_200, untilMs: 9_500 }],
  ...{ leftovers: [], crashes: [] },
});

const kindsIn = (evidence: Evidence): ViolationKind[] => check(evidence).violations.map(({ kind }) => kind);

describe("the checker of chaos", () => {
  it("has nothing to say of a job that ran again after its node was gone for long", () => {
    const { violations, blamed } = check(sound());
    expect(violations).toEqual([]);
    expect([...blamed]).toEqual([["partition", 1]]);
  });

  it("misses what was acknowledged and is not there, or has not ended", () => {
    expect(kindsIn({ ...sound(), acknowledged: ["a", "b"] })).toEqual(["lost"]);
    const [first] = sound().outcomes;
    if (!first) throw new Error("there is no outcome");
    expect(kindsIn({ ...sound(), outcomes: [{ ...first, state: "unended" }] })).toEqual(["lost"]);
  });

  it("does not believe a success whose rank did not come to its end", () => {
    const journals = [journal("a", 1, 0, ...whole.slice(0, 4)), journal("a", 2, 20_000, ...whole.slice(0, 4))];
    expect(kindsIn({ ...sound(), journals })).toEqual(["wrong end"]);
  });

  it("sees an exit code that is not the program's", () => {
    expect(kindsIn({ ...sound(), planned: new Map([["a", { ...planned("a"), exitCode: 3 }]]) })).toEqual(["wrong end"]);
  });

  it("sees two attempts at once, were it for one mark", () => {
    const journals = [journal("a", 1, 0, ...whole.slice(0, 4)), journal("a", 2, 250, ...whole)];
    expect(kindsIn({ ...sound(), journals })).toContain("overlapping");
  });

  it("sees a rank that was started twice in one attempt", () => {
    const [first, second] = sound().journals;
    if (!first || !second) throw new Error("there are no journals");
    expect(kindsIn({ ...sound(), journals: [first, second, { ...second, pid: 7 }] })).toContain("overlapping");
  });

  it("sees an attempt that ended though nothing kept its node silent for long enough", () => {
    const restarts: Evidence["disturbances"] = [
      { kind: "kill-agent", node: "n1", fromMs: 1_200, untilMs: 2_000 },
      { kind: "kill-coordinator", node: undefined, fromMs: 1_500, untilMs: 30_000 },
      { kind: "power-cut", node: "n2", fromMs: 1_200, untilMs: 9_500 },
      { kind: "kill-shim", node: "n1", fromMs: 60_000, untilMs: 60_000 },
    ];
    for (const disturbance of restarts) {
      expect(kindsIn({ ...sound(), disturbances: [disturbance] }), disturbance.kind).toEqual(["killed by restarts"]);
    }
  });

  it("takes a shim's death for a reason", () => {
    const evidence = sound();
    const shim: Evidence["disturbances"] = [{ kind: "kill-shim", node: "n1", fromMs: 1_300, untilMs: 1_300 }];
    expect(kindsIn({ ...evidence, disturbances: shim })).toEqual([]);
  });

  it("sees a process that goes on after its attempt's end", () => {
    const stays = journal("a", 2, 20_500, "stay", "stay", "stay", "stay", "stay", "stay", "stay");
    expect(kindsIn({ ...sound(), journals: [...sound().journals, stays] })).toEqual(["outlived its attempt"]);
  });

  it("sees bytes that are missing, other, or out of place", () => {
    const log = (change: (text: Buffer) => Partial<{ text: Buffer; gaps: number; complete: boolean }>) => {
      const evidence = sound();
      const found = evidence.outcomes[0]?.attempts[1]?.logs.get(0);
      if (found) Object.assign(found, change(found.text));
      return kindsIn(evidence);
    };
    expect(log((text) => ({ text: text.subarray(0, -1) }))).toEqual(["missing log bytes"]);
    expect(log((text) => ({ text: Buffer.concat([Buffer.from("x"), text.subarray(1)]) }))).toEqual([
      "missing log bytes",
    ]);
    expect(log(() => ({ gaps: 1 }))).toEqual(["missing log bytes"]);
    expect(log(() => ({ complete: false }))).toEqual(["missing log bytes"]);
  });

  it("sees more cores in use than a node has", () => {
    const evidence = sound();
    const other = journal("b", 1, 20_100, ...whole);
    const outcomes = [...evidence.outcomes, done("b", attempt("b", 1, "succeeded", 21_000, 22_000))];
    expect(kindsIn({ ...evidence, outcomes, journals: [...evidence.journals, other] })).toEqual(["over-allocated"]);
  });

  it("tells what was left behind, and of daemons that ended by themselves", () => {
    expect(kindsIn({ ...sound(), leftovers: ["process 7"], crashes: ["n1"] })).toEqual(["left behind", "crashed"]);
  });
});
