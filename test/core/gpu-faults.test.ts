import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, expect, it } from "vitest";
import { nodeView } from "../../coordinator/api/views/node.js";
import { explain } from "../../coordinator/core/explain.js";
import { HeartbeatSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { GpuFaultSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { CoreWorld, type JobInit, ready } from "../build.js";

let world: CoreWorld;
let sequence = 0n;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a", { gpus: 2 });
});

const lost = { uuid: "a-gpu-0", state: "failed", rule: "lost", message: "GPU 0 (a-gpu-0) is lost: look at it" };

function beat(...gpuFaults: Array<MessageInitShape<typeof GpuFaultSchema>>): void {
  sequence += 1n;
  const leases = held().map((leaseId) => ({ leaseId }));
  world.send({
    kind: "agent-heartbeat",
    session: "s1",
    node: "a",
    heartbeat: create(HeartbeatSchema, { sequence, gpuFaults, leases }),
  });
}

function held(): string[] {
  return [...world.state.jobs.values()].flatMap(({ state }) => ("lease" in state ? [state.lease.id] : []));
}

function gpusOf(name: string): readonly string[] | undefined {
  const state = world.job(name)?.state;
  return state && "lease" in state ? state.lease.shares[0]?.held.gpuUuids : undefined;
}

function why(name: string): string {
  const job = world.job(name);
  return job ? explain(world.state, job, world.now).summary : "";
}

const one: JobInit = { resources: { gpus: 1 } };

it("a failed GPU gets no work, while its neighbour does; and a wait for it is explained", () => {
  beat(lost);
  world.submit("j", one);
  expect(gpusOf("j")).toEqual(["a-gpu-1"]);
  world.submit("k", one);
  expect(gpusOf("k")).toBeUndefined();
  expect(why("k")).toContain("has 0 free GPUs, 1 needed; out of service: GPU 0 (a-gpu-0) is lost: look at it");
  beat();
  world.send({ kind: "tick" });
  expect(gpusOf("k")).toEqual(["a-gpu-0"]);
});

it("a job for a whole node counts on all its GPUs", () => {
  beat(lost);
  world.submit("j", {});
  expect(gpusOf("j")).toBeUndefined();
  expect(why("j")).toContain("has a GPU out of service: GPU 0 (a-gpu-0) is lost");
});

it("a suspect one is chosen last, and a draining one not at all, though what runs on it goes on", () => {
  beat({ ...lost, state: "suspect" });
  world.submit("j", one);
  expect(gpusOf("j")).toEqual(["a-gpu-1"]);
  world.submit("k", one);
  expect(gpusOf("k")).toEqual(["a-gpu-0"]);
  beat({ ...lost, state: "draining" });
  expect(gpusOf("k")).toEqual(["a-gpu-0"]);
});

it("what runs on a GPU that fails is ended with its name, and tried again without using up its retries", () => {
  world.submit("j", one);
  const [lease] = held();
  expect(gpusOf("j")).toEqual(["a-gpu-0"]);
  world.report("a", lease ?? "", ready);
  beat(lost);
  world.report("a", lease ?? "", { case: "done", value: {} });
  expect(world.job("j")).toMatchObject({ retries: 0, machineFaults: 1, attempt: 2 });
  expect(gpusOf("j")).toEqual(["a-gpu-1"]);
});

it("is shown with its node, and of no kind that this version doesn't know", () => {
  beat({ ...lost, since: timestampFromMs(5_000) }, { uuid: "a-gpu-1", state: "on fire", message: "hot" });
  const node = [...world.state.nodes.values()][0];
  expect(node && nodeView(world.state, node, undefined).gpuFaults).toMatchObject([
    { ...lost, since: timestampFromMs(5_000) },
    { uuid: "a-gpu-1", state: "draining" },
  ]);
});

it.each([-1n, 2n ** 62n])("a time that can't be, such as %s, is shown as none that harms", (seconds) => {
  beat({ ...lost, since: { seconds, nanos: 0 } });
  const node = [...world.state.nodes.values()][0];
  expect(node && nodeView(world.state, node, undefined).gpuFaults?.[0]?.since).toEqual(timestampFromMs(0));
});
