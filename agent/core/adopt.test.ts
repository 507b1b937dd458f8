import { expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import { adopt } from "./adopt.js";
import type { Found, FoundProcess, LeaseEvent } from "./events.js";
import { exampleGrant, exampleRank } from "./example.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";

const now = { instant: 0, monotonic: 1_000 };
const absent: FoundProcess = { state: "absent" };
const started: FoundProcess = { state: "started", pid: 7 };

function leaseAfter(given: Partial<LeaseGrant>, ...events: LeaseEvent[]): LeaseRun {
  const grant = exampleGrant(given);
  const id = parseLeaseId(grant.leaseId);
  if (!id) throw new Error("not a lease id");
  const all: LeaseEvent[] = [{ type: "turn-came" }, ...events];
  return all.reduce((run, event) => advance(run, event, now).run, newRun(grant, id, 13_000, { phase: "waiting" }));
}

function adopted(run: LeaseRun, ranks: FoundProcess[], more: Partial<Found> = {}) {
  const found = { sameBoot: true, preparation: absent, ranks: new Map(ranks.map((one, rank) => [rank, one])), ...more };
  const after = adopt(run, found, 20_000, now);
  const effects = after.effects.filter(({ type }) => !/note|fence/.test(type));
  return {
    run: after.run,
    effects: effects.map((effect) => (effect.type === "report" ? effect.report.event.type : effect.type)),
  };
}

const local: LeaseEvent = { type: "step-finished", step: "local" };
const exit = { exitCode: 3, signal: 0, stdoutBytes: 5, stderrBytes: 0 };

it("takes up a rank whose start was not even written down", () => {
  const { run, effects } = adopted(leaseAfter({}), [started]);
  expect(run.progress.phase).toBe("running");
  expect(effects).toEqual(["adopt-ranks", "adopt-remote"]);
  const after = advance(run, { type: "rank-exited", rank: 0, exit }, now);
  expect(after.run.reports.map(({ event }) => event.type)).toEqual(["rank-exited"]);
  expect(after.effects.map(({ type }) => type)).toContain("kill-remains");
});

it("never gives a sequence twice, whatever was sent before the crash", () => {
  const before = leaseAfter({}, local, { type: "rank-started", rank: 0, pid: 7 });
  const written = leaseAfter({});
  const { run } = adopted(written, [started]);
  const { reports } = advance(run, { type: "rank-exited", rank: 0, exit }, now).run;
  expect(reports[0]?.sequence).toBeGreaterThanOrEqual(before.nextSequence);
});

it("gives none twice after a power cut, which may have taken many a word", () => {
  const ranks = [exampleRank(0), exampleRank(1)];
  const sent = leaseAfter(
    { ranks },
    local,
    ...[0, 1].map((rank): LeaseEvent => ({ type: "rank-started", rank, pid: 7 + rank })),
    ...[0, 1].map((rank): LeaseEvent => ({ type: "rank-exited", rank, exit })),
  );
  const { run } = adopted(leaseAfter({ ranks }), [started, started], { sameBoot: false });
  for (const { sequence } of run.reports) expect(sequence).toBeGreaterThan(sent.nextSequence + 100);
  expect(run.reports.map(({ event }) => event.type)).toContain("failed");
});

it("starts the preparation over when nothing of the user's was started", () => {
  expect(adopted(leaseAfter({ preparationCommandLine: "x" }, local), [absent]).effects).toEqual(["prepare-local"]);
});

it("never runs the preparation twice", () => {
  const grant = { preparationCommandLine: "x", stdDirectory: "/std" };
  const { run, effects } = adopted(leaseAfter(grant, local), [absent], { preparation: started });
  expect(effects).toEqual(["start-copies", "adopt-preparation"]);
  const after = advance(run, { type: "preparation-exited", exit: { ...exit, exitCode: 0 }, errorTail: "" }, now);
  expect(after.run.progress.phase).toBe("running");
});

it("starts those of its ranks that were never started, and no other", () => {
  const { run, effects } = adopted(leaseAfter({ ranks: [exampleRank(0), exampleRank(1)] }), [started, absent]);
  expect(effects).toContain("start-ranks");
  expect([...run.ranks.values()].map(({ state }) => state)).toEqual(["running", "starting"]);
});

it("goes on with an end that had begun", () => {
  const stopping = leaseAfter(
    {},
    local,
    { type: "rank-started", rank: 0, pid: 7 },
    {
      type: "stop",
      reason: "",
      graceful: true,
    },
  );
  const { run, effects } = adopted(stopping, [started]);
  expect(run.progress).toEqual({ phase: "stopping", step: "processes" });
  expect(effects).toEqual(["adopt-ranks", "kill"]);
});

it("keeps what was not acknowledged of a lease that is done", () => {
  const done = leaseAfter({}, local, { type: "rank-started", rank: 0, pid: 7 }, { type: "rank-exited", rank: 0, exit });
  const { run, effects } = adopted(done, [started]);
  expect(run.reports).toEqual(done.reports);
  expect(effects).toEqual(["adopt-ranks"]);
  // The exit is told once more, for the logs' sake, and not reported again.
  const after = advance(run, { type: "rank-exited", rank: 0, exit }, now);
  expect(after.effects.map(({ type }) => type)).toEqual(["rank-log-ended"]);
});

it("begins nothing after the machine was started anew, and says so", () => {
  const running = leaseAfter({}, local, { type: "rank-started", rank: 0, pid: 7 });
  const { run, effects } = adopted(running, [started], { sameBoot: false });
  expect(effects).toEqual(["adopt-ranks", "failed"]);
  expect(run.progress).toEqual({ phase: "stopping", step: "processes" });
});

it("tells the watchdog until when it counts, before anything else", () => {
  const run = leaseAfter({}, local);
  const found = { sameBoot: true, preparation: absent, ranks: new Map([[0, started]]) };
  expect(adopt(run, found, 20_000, now).effects[0]).toEqual({ type: "fence", until: 20_000 });
  const ofEarlierBoot = adopt(run, { ...found, sameBoot: false }, 20_000, now);
  expect(ofEarlierBoot.effects.map(({ type }) => type)).not.toContain("fence");
});

it("copies nothing into files that may be another attempt's by now, until the lease is renewed", () => {
  const run = leaseAfter({ stdDirectory: "/share/std" }, local);
  const found = { sameBoot: true, preparation: absent, ranks: new Map([[0, started]]) };
  const names = (effects: readonly { type: string }[]) => effects.map(({ type }) => type);
  expect(names(adopt(run, found, 20_000, now).effects)).toContain("start-copies");
  const late = adopt(run, found, now.monotonic, now);
  expect(names(late.effects)).not.toContain("start-copies");
  const lapsed = advance(late.run, { type: "tick" }, now);
  expect(lapsed.run.frozen).toBe(true);
  const again = advance(lapsed.run, { type: "renewed", until: 20_000 }, now);
  expect(names(again.effects)).toContain("start-copies");
});
