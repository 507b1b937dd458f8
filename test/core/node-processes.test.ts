import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { hidden, unlimited } from "../../coordinator/api/sight.js";
import { briefNode } from "../../coordinator/api/views/brief-node.js";
import { nodeView } from "../../coordinator/api/views/node.js";
import { shortTelemetry } from "../../coordinator/api/views/node-telemetry.js";
import { TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { CoreWorld, uuid } from "../build.js";

it("a process on a GPU is told with its job; of a job that may not be read, that there is one and what it takes", () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  world.submit("train", {});
  const [node] = world.state.nodes.values();
  const state = world.job("train")?.state;
  if (!node || !state || !("lease" in state)) throw new Error("it has no lease");
  const process = { gpuUuid: "GPU-1", type: "C", name: "python3", account: "alice", memoryBytes: 5n, rank: 2 };
  const telemetry = create(TelemetrySchema, {
    cpuPercent: 1,
    gpuProcesses: {
      processes: [
        { ...process, pid: 7, leaseId: state.lease.id },
        // What a node can't know is not believed.
        { ...process, pid: 8, leaseId: `${uuid(999)}.1`, jobId: "workspaces/secret/experiments/e/jobs/x", attempt: 3 },
        { ...process, pid: 9, leaseId: "nonsense" },
      ],
    },
  });
  const seenBy = (sight: Parameters<typeof nodeView>[3]) =>
    nodeView(world.state, node, telemetry, sight).telemetry?.gpuProcesses?.processes;
  const strangers = [8, 9].map((pid) => ({
    pid,
    jobId: "",
    attempt: 0,
    leaseId: "",
    name: "python3",
    account: "alice",
  }));
  const id = "workspaces/w/experiments/e/jobs/train";
  expect(seenBy(unlimited)).toMatchObject([{ pid: 7, jobId: id, attempt: 1, leaseId: "", rank: 2 }, ...strangers]);
  const blind = { workspace: () => false, job: () => false, id: () => false };
  const told = seenBy(blind);
  expect(told).toMatchObject([
    { pid: 7, memoryBytes: 5n, jobId: hidden.job, attempt: 0, name: "", account: "", leaseId: "" },
    ...strangers,
  ]);
  expect(told?.[0]).not.toHaveProperty("rank");
  const brief = briefNode(nodeView(world.state, node, undefined, unlimited), telemetry);
  expect(brief).toMatchObject({ name: "a", gpuHealth: [], telemetry: { cpuPercent: 1 }, allocations: [{ jobId: id }] });
  expect(brief.telemetry).not.toHaveProperty("gpuProcesses");
  expect(shortTelemetry(telemetry)).not.toHaveProperty("gpuProcesses");
});
