import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import type { LeaseEffects } from "./effects.js";
import type { AgentEvent } from "./events.js";
import { exampleGrant } from "./example.js";
import { type AgentState, emptyState } from "./state.js";
import { nextTick, step } from "./step.js";

const idOf = (grant: LeaseGrant): LeaseId => {
  const id = parseLeaseId(grant.leaseId);
  if (!id) throw new Error("not a lease id");
  return id.lease;
};

class Node {
  state: AgentState = emptyState;
  nowMs = 1_000;
  effects: LeaseEffects[] = [];
  complaints: string[] = [];

  on(...events: AgentEvent[]): this {
    for (const event of events) {
      const after = step(this.state, event, { instant: 0, monotonic: this.nowMs });
      this.state = after.state;
      this.effects.push(...after.effects);
      this.complaints.push(...after.complaints);
    }
    return this;
  }

  /** What was asked for since the last look, without notes and the watchdog's deadlines. */
  take(): string[] {
    const names = this.effects.flatMap(({ lease, effects }) =>
      effects.filter(({ type }) => !/note|fence/.test(type)).map(({ type }) => `${lease.split(".")[1]} ${type}`),
    );
    this.effects = [];
    return names;
  }

  run(grant: LeaseGrant) {
    const run = this.state.leases.get(idOf(grant));
    if (!run) throw new Error("no such lease");
    return run;
  }
}

const grantOf = (grant: LeaseGrant): AgentEvent => ({ type: "grant", grant });
const welcome = (kept: LeaseGrant[], named: LeaseGrant[], sentAt: number): AgentEvent => ({
  type: "welcome",
  kept: new Set(kept.map(idOf)),
  named: new Set(named.map(idOf)),
  sentAt,
  ttlMs: 12_000,
});

describe("grants", () => {
  const first = exampleGrant();
  const second = exampleGrant({ attempt: 2 });

  it("are written down safely before anything is done, in one entry", () => {
    const node = new Node().on(grantOf(first));
    expect(node.effects).toMatchObject([
      { keep: "safe", effects: [{ type: "fence", until: 13_000 }, { type: "prepare-local" }] },
    ]);
  });

  it("twice are one lease", () => {
    const node = new Node().on(grantOf(first), grantOf(first));
    expect(node.take()).toEqual(["1 prepare-local"]);
    expect(node.complaints).toEqual([]);
  });

  it("for an older attempt than one known are refused, also when that one is forgotten", () => {
    const node = new Node().on(grantOf(second));
    const lease = idOf(second);
    const event = (event: Extract<AgentEvent, { type: "lease" }>["event"]): AgentEvent => ({
      type: "lease",
      lease,
      event,
    });
    node.on(event({ type: "stop", reason: "", graceful: false }));
    node.on(event({ type: "step-finished", step: "local" }), event({ type: "acknowledged", sequence: 1 }));
    expect(node.state.leases.size).toBe(0);
    node.take();
    node.on(grantOf(first), grantOf(second));
    expect(node.take()).toEqual([]);
    expect(node.complaints).toHaveLength(2);
  });

  it("for a newer attempt end the older one and wait for it", () => {
    const node = new Node().on(grantOf(first));
    node.take();
    node.on(grantOf(second));
    expect(node.take()).toEqual(["1 close-remote", "1 abort-step"]);
    node.on({ type: "lease", lease: idOf(first), event: { type: "step-finished", step: "local" } });
    expect(node.take()).toEqual(["1 report", "2 prepare-local"]);
  });

  it.each([
    ["a name that is no lease id", { leaseId: "x" }],
    ["another job's id", { leaseId: "11111111-5a57-4d3f-9d61-0a5b7f0c1d2e.1" }],
    ["a path out of the folder", { jobPathSegment: "workspaces/../../etc" }],
    ["an absolute path", { jobPathSegment: "/etc" }],
    ["a file name with a folder", { executionLogName: "../log" }],
    ["no time to live", { ttlMs: 0n }],
    ["a zero byte", { environment: [{ $typeName: "stoker.v1.EnvironmentVariable", name: "A", value: "\0" } as const] }],
  ])("with %s are refused", (_, given) => {
    const node = new Node().on(grantOf(exampleGrant(given)));
    expect(node.state.leases.size).toBe(0);
    expect(node.complaints).toHaveLength(1);
  });
});

describe("renewal", () => {
  const grant = exampleGrant();

  it("counts from the sending of the heartbeat that is answered, not from the answer", () => {
    const node = new Node().on(welcome([], [], 900), grantOf(grant));
    expect(node.run(grant).expiresAt).toBe(12_900);
    node.on({ type: "heartbeat-sent", sequence: 1n, at: 3_000 });
    node.nowMs = 9_000;
    node.on({ type: "heartbeat-answered", sequence: 1n, renewed: [idOf(grant)], superseded: [] });
    expect(node.run(grant).expiresAt).toBe(15_000);
    expect(nextTick(node.state, node.nowMs)).toBe(15_000);
  });

  it("does not come from an answer to nothing", () => {
    const node = new Node().on(welcome([], [], 900), grantOf(grant));
    node.nowMs = 9_000;
    node.on({ type: "heartbeat-answered", sequence: 7n, renewed: [idOf(grant)], superseded: [] });
    expect(node.run(grant).expiresAt).toBe(12_900);
    expect(node.complaints).toHaveLength(1);
  });

  it("stops what a Welcome does not keep, and only what Hello had named", () => {
    const other = exampleGrant({
      jobUuid: "11111111-5a57-4d3f-9d61-0a5b7f0c1d2e",
      leaseId: "11111111-5a57-4d3f-9d61-0a5b7f0c1d2e.1",
    });
    const node = new Node().on(grantOf(grant), grantOf(other));
    node.on(welcome([], [other], 1_000));
    expect(node.run(grant).progress.phase).toBe("preparing");
    expect(node.run(other).progress.phase).toBe("stopping");
  });

  it("is frozen at the tick of its end", () => {
    const node = new Node().on(grantOf(grant));
    node.nowMs = nextTick(node.state, node.nowMs) ?? 0;
    node.on({ type: "tick" });
    expect(node.run(grant).frozen).toBe(true);
    expect(nextTick(node.state, node.nowMs)).toBeUndefined();
  });

  it("ends what a heartbeat's answer says is superseded", () => {
    const node = new Node().on(grantOf(grant));
    node.on({ type: "heartbeat-answered", sequence: 1n, renewed: [], superseded: [idOf(grant)] });
    expect(node.run(grant).progress.phase).toBe("stopping");
  });
});

it("does not mind events about leases that are over", () => {
  const lease = idOf(exampleGrant());
  const node = new Node().on({ type: "lease", lease, event: { type: "copied" } });
  expect(node.state.leases.size).toBe(0);
});
