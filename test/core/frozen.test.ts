import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, expect, it } from "vitest";
import { jobView } from "../../coordinator/api/views/job.js";
import { nodeView } from "../../coordinator/api/views/node.js";
import { HeartbeatSchema, type HeldLeaseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { CoreWorld, failed, type JobInit, ready } from "../build.js";

const since = Date.UTC(2026, 10, 21, 12, 1, 7);
const minutes = 60_000;

let world: CoreWorld;
let session: string;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.hello("a");
  world.hello("b");
  session = "s1";
});

/** Its lease on node a, where it runs. */
function started(spec: JobInit = {}): string {
  world.submit("j", spec);
  const lease = leaseId();
  world.report("a", lease, ready);
  return lease;
}

function leaseId(): string {
  const state = world.job("j")?.state;
  if (!state || !("lease" in state)) throw new Error("it has no lease");
  expect(state.lease.shares[0]?.nodeName).toBe("a");
  return state.lease.id;
}

function beat(sequence: bigint, held: MessageInitShape<typeof HeldLeaseSchema>): void {
  const heartbeat = create(HeartbeatSchema, { sequence, leases: [held] });
  world.send({ kind: "agent-heartbeat", session, node: "a", heartbeat });
}

function shown() {
  const job = world.job("j");
  const node = [...world.state.nodes.values()].find(({ name }) => name === "a");
  if (!job || !node) throw new Error("there is no such job or node");
  return {
    allocation: nodeView(world.state, node, undefined).allocations?.[0],
    first: jobView(world.state, job).attempts?.[0]?.nodes?.[0],
  };
}

it("tells what a node says of its standstill, until it says otherwise", () => {
  const leaseId = started();
  beat(1n, { leaseId, frozen: true, frozenSince: timestampFromMs(since), frozenReason: "not heard from us" });
  const told = { frozenSince: timestampFromMs(since), frozenReason: "not heard from us" };
  expect(shown().allocation).toMatchObject(told);
  expect(shown().first).toMatchObject({ name: "a", ...told });
  beat(2n, { leaseId });
  expect(shown().allocation).not.toHaveProperty("frozenSince");
  expect(shown().first).not.toHaveProperty("frozenSince");
});

it.each([-1n, 2n ** 62n])("a time that can't be, such as %s, is shown as none that harms", (seconds) => {
  const leaseId = started();
  beat(1n, { leaseId, frozen: true, frozenSince: { seconds, nanos: 0 } });
  expect(shown().allocation).toMatchObject({ frozenSince: timestampFromMs(0) });
});

/** Node a says nothing for longer than its lease; b goes on. */
function silence(): void {
  for (let passed = 0; passed < 2 * minutes; passed += 2_000) {
    world.now += 2_000;
    world.beat("b");
    world.send({ kind: "tick" });
  }
}

it("what a lost node holds must be frozen, and is told so", () => {
  started();
  silence();
  expect(shown().allocation?.frozenReason).toMatch(/must be by now/);
  expect(shown().first?.frozenReason).toMatch(/must be by now/);
});

it("but not where the job chose to continue", () => {
  started({ onLeaseLoss: "Continue" });
  expect(world.job("j")?.spec.onLeaseLoss).toBe("continue");
  silence();
  expect(shown().allocation).toBeDefined();
  expect(shown().allocation).not.toHaveProperty("frozenReason");
});

it("an attempt that its node killed for want of our word is lost, and the job starts again", () => {
  const lease = started({ onLeaseLoss: "kill" });
  world.report("a", lease, failed("LeaseLost", "not heard"));
  const job = world.job("j");
  expect(job?.state).toMatchObject({ kind: "stopping", verdict: { attemptState: "lost", next: { kind: "requeue" } } });
  expect(job?.machineFaults).toBe(1);
});
