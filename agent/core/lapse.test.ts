import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import type { LeaseEvent, RankExit } from "./events.js";
import { exampleGrant } from "./example.js";
import { nextDeadline } from "./lapse.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";

const exit: RankExit = { exitCode: 137, signal: 9, stdoutBytes: 3, stderrBytes: 0 };
const local: LeaseEvent = { type: "step-finished", step: "local" };
const stop: LeaseEvent = { type: "stop", reason: "asked", graceful: true };

/** A lease that is granted at 1 s and lasts until 13 s, and the names of what it asks for. */
class Lease {
  run: LeaseRun;
  nowMs = 1_000;

  constructor(given: Partial<LeaseGrant> = {}) {
    const grant = exampleGrant(given);
    const id = parseLeaseId(grant.leaseId);
    if (!id) throw new Error("not a lease id");
    this.run = newRun(grant, id, 13_000, { phase: "waiting" });
  }

  on(...events: LeaseEvent[]): string[] {
    return events.flatMap((event) => {
      const after = advance(this.run, event, { instant: 1_000_000 + this.nowMs, monotonic: this.nowMs });
      this.run = after.run;
      return after.effects
        .filter(({ type }) => type !== "note")
        .map((effect) => {
          if (effect.type === "fence") return `fence ${effect.until}`;
          return effect.type === "report" ? effect.report.event.type : effect.type;
        });
    });
  }

  at(ms: number, ...events: LeaseEvent[]): string[] {
    this.nowMs = ms;
    return this.on(...(events.length > 0 ? events : [{ type: "tick" } as const]));
  }

  running(): this {
    this.on({ type: "turn-came" }, local, { type: "rank-started", rank: 0, pid: 7 });
    return this;
  }
}

describe("the watchdog's deadline", () => {
  it("is written before anything begins, and at each renewal", () => {
    const lease = new Lease();
    expect(lease.on({ type: "turn-came" })).toEqual(["fence 13000", "prepare-local"]);
    expect(lease.on({ type: "renewed", until: 15_000 })).toEqual(["fence 15000"]);
    expect(lease.on({ type: "renewed", until: 14_000 })).toEqual([]);
  });

  it("counts as long as something may run, also while it stops", () => {
    const lease = new Lease().running();
    lease.on(stop);
    expect(lease.on({ type: "renewed", until: 15_000 })).toEqual(["fence 15000"]);
    expect(lease.on({ type: "rank-exited", rank: 0, exit })).toContain("kill-remains");
    expect(lease.on({ type: "renewed", until: 16_000 })).toEqual(["fence 16000"]);
    expect(lease.on({ type: "remains-killed" })[0]).toBe("unfence");
    expect(lease.on({ type: "renewed", until: 17_000 })).toEqual([]);
  });

  it("is not written for what waits for an earlier attempt", () => {
    expect(new Lease().on({ type: "renewed", until: 15_000 })).toEqual([]);
  });
});

describe("a lease that is not renewed in time", () => {
  it("is frozen from the moment at which it ended, whenever that is noticed", () => {
    const lease = new Lease().running();
    lease.at(12_999);
    expect(lease.run.frozen).toBe(false);
    expect(lease.at(18_000)).toEqual([]);
    expect(lease.run).toMatchObject({ frozen: true, frozenSince: 1_013_000 });
  });

  it("goes on when it is renewed for longer than now", () => {
    const lease = new Lease().running();
    lease.at(13_000);
    lease.at(20_000, { type: "renewed", until: 20_000 });
    expect(lease.run.frozen).toBe(true);
    expect(lease.on({ type: "renewed", until: 20_001 })).toEqual(["fence 20001"]);
    expect(lease.run.frozen).toBe(false);
    expect(lease.run.frozenSince).toBeUndefined();
  });

  it("never goes back in time", () => {
    const lease = new Lease();
    lease.on({ type: "renewed", until: 20_000 }, { type: "renewed", until: 15_000 });
    expect(lease.run.expiresAt).toBe(20_000);
  });

  it("begins nothing until it is renewed", () => {
    const lease = new Lease();
    lease.on({ type: "turn-came" });
    expect(lease.at(13_000, local)).toEqual([]);
    const after = lease.on({ type: "renewed", until: 13_001 });
    expect(after).toEqual(["fence 13001", "ready", "start-ranks"]);
  });

  it("is killed, not woken, when it was superseded", () => {
    const lease = new Lease().running();
    expect(lease.at(13_000, { type: "superseded" })).toEqual(["close-remote", "kill"]);
    expect(lease.run.frozen).toBe(false);
  });

  it("is killed at a graceful stop, because what is frozen can't end by itself", () => {
    expect(new Lease().running().at(13_000, stop)).toEqual(["close-remote", "kill"]);
  });
});

describe("a job that chose kill", () => {
  it("fails with the machine's fault, also when the first news of it is that its rank was killed", () => {
    const lease = new Lease({ onLeaseLoss: "kill" }).running();
    expect(nextDeadline(lease.run)).toBe(13_000);
    const told = lease.at(13_001, { type: "rank-exited", rank: 0, exit });
    expect(told.slice(0, 3)).toEqual(["failed", "close-remote", "kill"]);
    const failed = lease.run.reports.find(({ event }) => event.type === "failed");
    expect(failed?.event).toMatchObject({ failure: { code: "LeaseLost" } });
  });

  it("is not saved by an answer that comes too late", () => {
    const lease = new Lease({ onLeaseLoss: "kill" }).running();
    lease.at(13_000, { type: "renewed", until: 25_000 });
    expect(lease.run.progress.phase).toBe("stopping");
  });
});

it("a job that chose continue goes on as if nothing had happened", () => {
  const lease = new Lease({ onLeaseLoss: "continue" });
  lease.on({ type: "turn-came" });
  expect(lease.at(60_000, local)).toEqual(["ready", "start-ranks"]);
  expect(lease.run.frozen).toBe(false);
  expect(nextDeadline(lease.run)).toBeUndefined();
});

it("what a later coordinator may ask for is frozen", () => {
  const lease = new Lease({ onLeaseLoss: "migrate" }).running();
  lease.at(13_000);
  expect(lease.run.frozen).toBe(true);
});

describe("an owner who comes", () => {
  const running = (given: Partial<LeaseGrant> = {}) => {
    const lease = new Lease(given);
    lease.on({ type: "turn-came" }, local, { type: "rank-started", rank: 0, pid: 7 });
    return lease;
  };

  it("ends the lease's time at once: the watchdog stops its processes", () => {
    const lease = running();
    expect(lease.at(2_000, { type: "owner-came" })).toContain("fence 2000");
    expect(lease.run).toMatchObject({ frozen: true, expiresAt: 2_000 });
  });

  it("has what may not be stopped killed", () => {
    for (const onLeaseLoss of ["continue", "kill"]) {
      const lease = running({ onLeaseLoss });
      expect(lease.at(2_000, { type: "owner-came" })).toContain("kill");
      expect(lease.run.progress.phase).toBe("stopping");
    }
  });

  it("waits for no grace", () => {
    const lease = running();
    lease.on(stop);
    expect(lease.at(2_000, { type: "owner-came" })).toEqual(["kill"]);
  });
});
