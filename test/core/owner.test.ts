import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { beforeEach, expect, it } from "vitest";
import { nodeView } from "../../coordinator/api/views/node.js";
import { explain } from "../../coordinator/core/explain.js";
import { HeartbeatSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { NodeState, type OwnerTermsSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { CoreWorld, done, failed, ready } from "../build.js";

let world: CoreWorld;
let sequence = 0n;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.hello("a");
  world.hello("b");
});

type Owner = MessageInitShape<typeof OwnerTermsSchema>;

function beat(name: "a" | "b", owner?: Owner) {
  sequence += 1n;
  const leases = heldBy(name).map((leaseId) => ({ leaseId }));
  const heartbeat = create(HeartbeatSchema, { sequence, leases, ...(owner ? { owner } : {}) });
  return world.send({ kind: "agent-heartbeat", session: name === "a" ? "s1" : "s2", node: name, heartbeat });
}

const heldBy = (name: string) =>
  [...world.state.jobs.values()].flatMap(({ state }) =>
    "lease" in state && state.lease.shares.some(({ nodeName }) => nodeName === name) ? [state.lease.id] : [],
  );

const nodeOf = (job: string) => {
  const state = world.job(job)?.state;
  return state && "lease" in state ? state.lease.shares[0]?.nodeName : undefined;
};

function why(name: string): string {
  const job = world.job(name);
  return job
    ? explain(world.state, job, world.now)
        .reasons.map(({ message }) => message)
        .join("; ")
    : "";
}

const night: Owner = { closed: "its owner allows no jobs before 19:00", wantedBack: true };

it("nothing is placed where the owner allows nothing, and who waits for it is told so", () => {
  beat("a", night);
  beat("b", night);
  world.submit("j", {});
  expect(nodeOf("j")).toBeUndefined();
  expect(why("j")).toContain("its owner allows no jobs before 19:00");
  const node = [...world.state.nodes.values()].find(({ name }) => name === "a");
  expect(node && nodeView(world.state, node, undefined)).toMatchObject({
    state: NodeState.UNUSABLE,
    reason: night.closed,
    inventory: { owner: { closed: night.closed, wantedBack: true } },
  });
  beat("b", {});
  world.send({ kind: "tick" });
  expect(nodeOf("j")).toBe("b");
});

it("what runs on a machine that its owner wants back goes elsewhere, at nobody's cost", () => {
  world.submit("j", {});
  const before = nodeOf("j") === "a" ? "a" : "b";
  const other = before === "a" ? "b" : "a";
  const [lease = ""] = heldBy(before);
  world.report(before, lease, ready);
  const { effects } = beat(before, night);
  expect(effects).toContainEqual(expect.objectContaining({ kind: "stop-lease", lease, graceSeconds: 10 }));
  // Told once, however often the node says it.
  expect(beat(before, night).effects.filter(({ kind }) => kind === "stop-lease")).toEqual([]);
  world.report(before, lease, done);
  world.send({ kind: "tick" });
  expect(nodeOf("j")).toBe(other);
  expect(world.job("j")).toMatchObject({ machineFaults: 0, retries: 0, attempt: 2 });
});

it("some users' jobs go where the owner lets them, and others wait", () => {
  beat("a", { usersAllowed: ["alice"] });
  beat("b", { usersDenied: ["*"] });
  world.submit("j", {});
  expect(why("j")).toContain("is closed to jobs of the coordinator's own token by its owner");
});

const noAccount: Owner = { withoutAccount: [{ user: "", reason: "there is no account stoker-job: make it" }] };

it("a machine that has refused a user for want of an account gets no more of their jobs, until it has one", () => {
  beat("a", noAccount);
  beat("b", { usersDenied: ["*"] });
  world.submit("j", {});
  expect(why("j")).toContain("has no account for the job's user: there is no account stoker-job: make it");
  const node = [...world.state.nodes.values()].find(({ name }) => name === "a");
  expect(node && nodeView(world.state, node, undefined)).toMatchObject({
    state: NodeState.IDLE,
    inventory: { owner: noAccount },
  });
  beat("a", {});
  world.send({ kind: "tick" });
  expect(nodeOf("j")).toBe("a");
});

it("a job whose user has no account anywhere in the cluster is refused at once, with what to do", () => {
  beat("a", noAccount);
  beat("b", noAccount);
  expect(() => world.submit("j", {})).toThrow(
    /no machine of cluster c has an account for jobs of the coordinator's own token; on [ab]: there is no account stoker-job: make it/,
  );
  // Somebody else's are none of this.
  beat("b", { withoutAccount: [{ user: "ada", reason: "there is no account ada" }] });
  world.submit("j", {});
  expect(nodeOf("j")).toBe("b");
});

it("jobs without a container wait where only containers are wanted", () => {
  beat("a", { containersOnly: true });
  beat("b", { containersOnly: true });
  world.submit("j", {});
  expect(why("j")).toContain("containers only");
});

it("a job that a node refused for its owner is tried elsewhere, and blames nobody", () => {
  world.submit("j", {});
  const before = nodeOf("j") ?? "";
  const [lease = ""] = heldBy(before);
  world.report(before, lease, failed("OwnerRefused", "its owner lets no jobs of alice run there"));
  world.report(before, lease, done);
  world.send({ kind: "tick" });
  expect(nodeOf("j")).toBe(before === "a" ? "b" : "a");
  expect(world.job("j")).toMatchObject({ machineFaults: 0, retries: 0 });
});

it("a job whose user has no account on any machine fails, and says what to do", () => {
  world.submit("j", {});
  for (let attempt = 1; attempt <= 3; attempt++) {
    const node = nodeOf("j");
    const [lease] = node === undefined ? [] : heldBy(node);
    if (node === undefined || lease === undefined) break;
    world.report(node, lease, failed("AccountRefused", "there is no account alice on this machine: make it"));
    world.report(node, lease, done);
    world.send({ kind: "tick" });
  }
  expect(world.job("j")?.state).toMatchObject({
    kind: "finished",
    outcome: { kind: "failed", errors: [{ code: "AccountRefused", message: expect.stringContaining("make it") }] },
  });
});
