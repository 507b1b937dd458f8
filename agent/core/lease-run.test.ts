import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import type { Effect } from "./effects.js";
import type { LeaseEvent, RankExit } from "./events.js";
import { exampleGrant, exampleRank } from "./example.js";
import { nextDeadline } from "./lapse.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";
import { urgencyOf } from "./reports.js";
import { abandonAfterMs } from "./stopping.js";

const exit = (exitCode: number, lost?: string): RankExit => {
  const known = { exitCode, signal: exitCode > 128 ? exitCode - 128 : 0, stdoutBytes: 3, stderrBytes: 0 };
  return lost === undefined ? known : { ...known, lost };
};
const mount = { $typeName: "stoker.v1.MountPlan", relativeMountPath: "m", kind: { case: undefined } } as const;

/** A lease and the effects that it has asked for, without notes and the watchdog's deadlines. */
class Lease {
  run: LeaseRun;
  nowMs = 1_000;
  all: Effect[] = [];

  constructor(given: Partial<LeaseGrant> = {}) {
    const grant = exampleGrant(given);
    const id = parseLeaseId(grant.leaseId);
    if (!id) throw new Error("not a lease id");
    this.run = newRun(grant, id, this.nowMs + 12_000, { phase: "waiting" });
  }

  /** The effects of these events, by name. */
  on(...events: LeaseEvent[]): string[] {
    const names: string[] = [];
    for (const event of events) {
      const after = advance(this.run, event, { instant: 0, monotonic: this.nowMs });
      this.run = after.run;
      const effects = after.effects.filter(({ type }) => !/note|fence/.test(type));
      this.all.push(...effects);
      names.push(...effects.map((effect) => (effect.type === "report" ? effect.report.event.type : effect.type)));
    }
    return names;
  }

  after(ms: number): string[] {
    this.nowMs += ms;
    return this.on({ type: "tick" });
  }

  running(): this {
    this.on({ type: "turn-came" }, step("local"), { type: "rank-started", rank: 0, pid: 7 });
    return this;
  }

  get phase(): string {
    return this.run.progress.phase;
  }
}

const step = (name: "local" | "mounts" | "directories" | "preparation"): LeaseEvent => ({
  type: "step-finished",
  step: name,
});
const failed = (name: "local" | "mounts" | "directories"): LeaseEvent => ({
  type: "step-finished",
  step: name,
  failure: { code: "Code", message: "why", details: [] },
});
const stop = (graceful: boolean): LeaseEvent => ({ type: "stop", reason: "asked", graceful });

describe("the shortest way", () => {
  it("starts the rank as soon as the spool is there and ends without looking for remains", () => {
    const lease = new Lease();
    expect(lease.on({ type: "turn-came" })).toEqual(["prepare-local"]);
    expect(lease.on(step("local"))).toEqual(["ready", "start-ranks"]);
    expect(lease.on({ type: "rank-started", rank: 0, pid: 7 })).toEqual([]);
    expect(lease.on({ type: "rank-exited", rank: 0, exit: exit(0) })).toEqual([
      "rank-log-ended",
      "rank-exited",
      "close-remote",
      "done",
    ]);
    expect(lease.on({ type: "acknowledged", sequence: 3 })).toEqual([]);
    expect(lease.on({ type: "logs-complete" })).toEqual(["forget"]);
  });

  it("numbers reports from 1 and keeps them until they are acknowledged", () => {
    const lease = new Lease({ ranks: [exampleRank(0), exampleRank(1)] }).running();
    lease.on({ type: "rank-exited", rank: 0, exit: exit(0) });
    expect(lease.run.reports.map(({ sequence }) => sequence)).toEqual([1, 2]);
    lease.on({ type: "acknowledged", sequence: 1 });
    expect(lease.run.reports.map(({ event }) => event.type)).toEqual(["rank-exited"]);
    lease.on({ type: "acknowledged", sequence: 99 });
    expect(lease.run.reports).toHaveLength(1);
  });

  it("lets only the word wait that nobody waits for", () => {
    const urgencies = (startWhenReady: boolean) => {
      const lease = new Lease({ startWhenReady });
      lease.on({ type: "turn-came" }, step("local"), { type: "start-ranks" });
      lease.on({ type: "rank-started", rank: 0, pid: 7 }, { type: "rank-exited", rank: 0, exit: exit(0) });
      return lease.run.reports.map((report) => urgencyOf(lease.run, report));
    };
    expect(urgencies(true)).toEqual(["soon", "now", "now"]);
    // The whole gang starts by the last one's.
    expect(urgencies(false)).toEqual(["now", "now", "now"]);
  });
});

describe("the whole way", () => {
  const all: Partial<LeaseGrant> = {
    jobMounts: [mount],
    directories: ["/d"],
    stdDirectory: "/std",
    preparationCommandLine: "prepare",
    startWhenReady: false,
  };

  it("goes in order, waits for the gang, and undoes it at the end", () => {
    const lease = new Lease(all);
    expect(lease.on({ type: "turn-came" }, step("local"))).toEqual(["prepare-local", "mount"]);
    expect(lease.on(step("mounts"))).toEqual(["make-directories"]);
    expect(lease.on(step("directories"))).toEqual(["start-copies", "start-preparation"]);
    expect(lease.on({ type: "preparation-exited", exit: exit(0), errorTail: "" })).toEqual(["ready"]);
    expect(lease.phase).toBe("ready");
    expect(lease.on({ type: "start-ranks" })).toEqual(["start-ranks"]);
    expect(lease.on({ type: "start-ranks" })).toEqual([]);
    lease.on({ type: "rank-started", rank: 0, pid: 7 });
    lease.on({ type: "rank-exited", rank: 0, exit: exit(5) });
    expect(lease.phase).toBe("stopping");
    expect(lease.on({ type: "copied" })).toEqual(["unmount"]);
    expect(lease.on({ type: "unmounted" })).toEqual(["done"]);
  });

  it("ignores the end of a step that it is not in", () => {
    const lease = new Lease(all);
    expect(lease.on({ type: "turn-came" }, step("mounts"), { type: "copied" }, { type: "unmounted" })).toEqual([
      "prepare-local",
    ]);
    expect(lease.run.progress).toEqual({ phase: "preparing", step: "local" });
  });

  it("fails with the exit code and words of job preparation, but its secrets, and starts no rank", () => {
    const lease = new Lease({
      ...all,
      secrets: [{ $typeName: "stoker.v1.EnvironmentVariable", name: "KEY", value: "geheim" }],
    });
    lease.on({ type: "turn-came" }, step("local"), step("mounts"), step("directories"));
    expect(lease.on({ type: "preparation-exited", exit: exit(3), errorTail: "no such package: geheim" })).toEqual([
      "failed",
      "close-remote",
      "finish-copies",
    ]);
    const event = lease.run.reports[0]?.event;
    expect(event).toMatchObject({
      type: "failed",
      failure: {
        code: "JobPreparationFailed",
        exitCode: 3,
        details: [{ name: "stderr", value: "no such package: ***" }],
      },
    });
    expect(lease.on({ type: "start-ranks" }, { type: "copied" }, { type: "unmounted" })).toEqual(["unmount", "done"]);
  });

  it.each(["local", "mounts", "directories"] as const)("reports a failure of %s and cleans up", (name) => {
    const lease = new Lease(all);
    lease.on({ type: "turn-came" });
    for (const before of ["local", "mounts", "directories"] as const) {
      if (before === name) break;
      lease.on(step(before));
    }
    expect(lease.on(failed(name))).toContain("failed");
    if (name === "directories") lease.on({ type: "remains-killed" });
    expect(lease.on({ type: "copied" }, { type: "unmounted" }).at(-1)).toBe("done");
  });

  it.each(["local", "mounts", "directories"] as const)("waits for %s to give up when it is stopped there", (name) => {
    const lease = new Lease(all);
    lease.on({ type: "turn-came" });
    for (const before of ["local", "mounts", "directories"] as const) {
      if (before === name) break;
      lease.on(step(before));
    }
    expect(lease.on(stop(true))).toEqual(["close-remote", "abort-step"]);
    // What made the directories may be alive.
    const remains = name === "directories";
    expect(lease.on(failed(name))).toEqual([remains ? "kill-remains" : "finish-copies"]);
    if (remains) expect(lease.on({ type: "remains-killed" })).toEqual(["finish-copies"]);
    expect(lease.on({ type: "copied" }, { type: "unmounted" })).toEqual(["unmount", "done"]);
  });

  it("ends job preparation when it is stopped there", () => {
    const lease = new Lease(all);
    lease.on({ type: "turn-came" }, step("local"), step("mounts"), step("directories"));
    expect(lease.on(stop(true))).toEqual(["close-remote", "terminate"]);
    expect(lease.on({ type: "preparation-exited", exit: exit(143), errorTail: "" })).toEqual(["kill-remains"]);
    expect(lease.run.reports).toEqual([]);
  });
});

describe("ranks", () => {
  it("ends when the last of them has", () => {
    const lease = new Lease({ ranks: [exampleRank(0), exampleRank(1)] });
    lease.on({ type: "turn-came" }, step("local"));
    lease.on({ type: "rank-started", rank: 1, pid: 8 }, { type: "rank-started", rank: 0, pid: 7 });
    lease.on({ type: "rank-exited", rank: 1, exit: exit(1) });
    expect(lease.phase).toBe("running");
    lease.on({ type: "rank-exited", rank: 0, exit: exit(0) });
    expect(lease.phase).toBe("done");
  });

  it("ends only when it is told to in a gang, whose other nodes may still start something here", () => {
    const nodes = ["a", "b"].map((name) => ({ $typeName: "stoker.v1.GangNode", name, host: name }) as const);
    const lease = new Lease({ nodes });
    lease.on({ type: "turn-came" }, step("local"), { type: "rank-started", rank: 0, pid: 7 });
    expect(lease.on({ type: "rank-exited", rank: 0, exit: exit(0) })).toEqual(["rank-log-ended", "rank-exited"]);
    expect(lease.on(stop(true))).toEqual(["close-remote", "kill-remains"]);
    expect(lease.on({ type: "remains-killed" })).toEqual(["done"]);
  });

  it("blames the node for a shim that was killed, and looks for what it left", () => {
    const lease = new Lease().running();
    const told = lease.on({ type: "rank-exited", rank: 0, exit: exit(137, "the shim was killed") });
    expect(told).toEqual(["rank-log-ended", "failed", "close-remote", "rank-exited", "kill-remains"]);
    expect(lease.run.reports.find(({ event }) => event.type === "failed")?.event).toMatchObject({
      failure: { code: "ProcessLost", message: "the end of rank 0 is not known: the shim was killed" },
    });
    expect(lease.phase).toBe("stopping");
    expect(lease.on({ type: "remains-killed" })).toEqual(["done"]);
  });

  it("does so for a preparation, too", () => {
    const lease = new Lease({ preparationCommandLine: "make" });
    lease.on({ type: "turn-came" }, step("local"));
    const lost = { type: "preparation-exited", exit: exit(137, "the shim was killed"), errorTail: "" } as const;
    expect(lease.on(lost)).toEqual(["failed", "close-remote", "kill-remains"]);
    expect(lease.run.reports.at(-1)?.event).toMatchObject({ failure: { code: "ProcessLost" } });
  });

  it("looks for remains when launchers of other nodes had started something", () => {
    const lease = new Lease().running();
    lease.on({ type: "remote-used" });
    expect(lease.on({ type: "rank-exited", rank: 0, exit: exit(0) })).toContain("kill-remains");
  });

  it("fails when one can't be started, and ends the others", () => {
    const lease = new Lease({ ranks: [exampleRank(0), exampleRank(1)] });
    lease.on({ type: "turn-came" }, step("local"), { type: "rank-started", rank: 1, pid: 8 });
    expect(lease.on({ type: "rank-not-started", rank: 0, message: "no bash" })).toEqual([
      "rank-log-ended",
      "failed",
      "close-remote",
      "kill",
    ]);
  });

  it("waits for a stop when the node has none of its own", () => {
    const lease = new Lease({ ranks: [], startWhenReady: false });
    lease.on({ type: "turn-came" }, step("local"), { type: "start-ranks" });
    expect(lease.phase).toBe("running");
    expect(lease.on(stop(true))).toEqual(["close-remote", "kill-remains"]);
    expect(lease.on({ type: "remains-killed" })).toEqual(["done"]);
    expect(lease.on({ type: "acknowledged", sequence: 2 })).toEqual(["forget"]);
  });
});

describe("stop", () => {
  it("asks, then kills after the grace", () => {
    const lease = new Lease().running();
    expect(lease.on(stop(true))).toEqual(["close-remote", "terminate"]);
    expect(nextDeadline(lease.run)).toBe(11_000);
    expect(lease.after(9_999)).toEqual([]);
    expect(lease.after(1)).toEqual(["kill"]);
    expect(lease.after(60_000)).toEqual([]);
    expect(lease.on({ type: "rank-exited", rank: 0, exit: exit(137) }, { type: "remains-killed" })).toEqual([
      "rank-log-ended",
      "rank-exited",
      "kill-remains",
      "done",
    ]);
  });

  it("kills at once when it must not be graceful, also after it was", () => {
    expect(new Lease().running().on(stop(false))).toEqual(["close-remote", "kill"]);
    const lease = new Lease().running();
    lease.on(stop(true));
    expect(lease.on(stop(false))).toEqual(["kill"]);
  });

  it("grants no grace beyond the lease", () => {
    const lease = new Lease({ killGraceSeconds: 3_600 }).running();
    lease.on(stop(true));
    expect(lease.after(11_999)).toEqual([]);
    expect(lease.after(1)).toEqual(["kill"]);
  });

  it("changes nothing when all is over", () => {
    const lease = new Lease().running();
    lease.on({ type: "rank-exited", rank: 0, exit: exit(0) });
    expect(lease.on(stop(false))).toEqual([]);
  });
});

it("forgets a superseded lease some day, whatever is not acknowledged", () => {
  const lease = new Lease().running();
  lease.on({ type: "superseded" }, { type: "rank-exited", rank: 0, exit: exit(137) }, { type: "remains-killed" });
  expect(lease.phase).toBe("done");
  expect(nextDeadline(lease.run)).toBe(1_000 + abandonAfterMs);
  expect(lease.after(abandonAfterMs)).toEqual(["forget"]);
});

it("fails without starting anything when the ledger could not be written", () => {
  const lease = new Lease();
  lease.on({ type: "turn-came" });
  expect(lease.on({ type: "not-recorded", message: "no space" })).toEqual(["failed", "close-remote", "done"]);
});

it("ends when it was stopped while the disk had not yet refused its entry", () => {
  const lease = new Lease();
  lease.on({ type: "turn-came" });
  expect(lease.on({ type: "stop", reason: "another node failed", graceful: true })).not.toContain("done");
  expect(lease.on({ type: "not-recorded", message: "no space" })).toContain("done");
});
