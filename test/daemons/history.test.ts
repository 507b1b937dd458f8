import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

let coordinator: CoordinatorProcess;
let agent: FakeAgent;

beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  await coordinator.start();
  await coordinator.furnish();
  agent = new FakeAgent(coordinator.address, coordinator.token);
});

afterEach(async () => {
  agent.close();
  await coordinator.dispose();
});

const gib = 2n ** 30n;
const gpu = { uuid: "GPU-1", index: 0, model: "Test", memoryBytes: 8n * gib };

it("what a node measured is kept, over a restart of the coordinator too, and told for it and for its jobs", async () => {
  const inventory = { machineClass: "fake", cpus: 4, memoryBytes: 8n * gib, gpus: [gpu] };
  agent.send({
    case: "hello",
    value: { nodeName: "n1", address: "127.0.0.1", agentVersion: "fake", bootId: "boot-1", inventory },
  });
  await agent.hears("welcome");
  const { job } = await coordinator.jobs.createJob({
    ...inExperiment,
    name: "j",
    spec: { ...tinyJob(), resources: { gpus: 1 } },
  });
  const id = job?.id ?? "";
  const { leaseId } = await agent.hears("grant");
  agent.send({ case: "report", value: { leaseId, sequence: 1n, event: { case: "ready", value: {} } } });
  const gpus = [{ uuid: "GPU-1", utilizationPercent: 40, memoryUsedBytes: 2n * gib, powerWatts: 100 }];
  agent.send({
    case: "heartbeat",
    value: { sequence: 1n, leases: [{ leaseId }], telemetry: { cpuPercent: 30, gpus } },
  });
  await agent.hears("heartbeatReply");

  const { usage } = await coordinator.jobs.getJobUsage({ id });
  expect(usage).toMatchObject({
    attempt: 1,
    gpus: [{ nodeName: "n1", uuid: "GPU-1", utilizationPercent: 40, idlePercent: 0 }],
  });
  expect(usage?.gpus[0]).toMatchObject({ memoryMostBytes: 2n * gib, memoryBytes: 8n * gib, powerWatts: 100 });
  const cpu = async () => {
    const { history } = await coordinator.client(NodeService).getNodeHistory({ id: "nodes/n1" });
    return history?.series.find(({ name }) => name === "cpu_percent")?.means.filter((mean) => !Number.isNaN(mean));
  };
  expect(await cpu()).toEqual([30]);
  await expect(coordinator.jobs.getJobUsage({ id, attempt: 7 })).rejects.toThrow("the job has no attempt 7");

  // What the job did stays with it, and goes with it.
  const exited = { case: "rankExited", value: { rank: 0, exitCode: 0 } } as const;
  agent.send({ case: "report", value: { leaseId, sequence: 2n, event: exited } });
  agent.send({ case: "report", value: { leaseId, sequence: 3n, event: { case: "done", value: {} } } });
  const curves = join(coordinator.dataDir, "job-curves");
  const kept = () => (existsSync(curves) ? readdirSync(curves, { recursive: true, encoding: "utf8" }) : []);
  await until("the job's curves", () => kept().some((name) => name.endsWith("/1.json.gz")), 30_000);
  expect((await coordinator.jobs.getJobUsage({ id })).usage?.gpus[0]?.history?.series).toHaveLength(3);
  await coordinator.jobs.deleteJob({ id });
  await until("nothing of it", () => kept().length === 0);

  await coordinator.end("SIGTERM");
  await coordinator.start();
  expect(await cpu()).toEqual([30]);
  const backwards = { id: "nodes/n1", from: timestampFromMs(2_000), to: timestampFromMs(1_000) };
  await expect(coordinator.client(NodeService).getNodeHistory(backwards)).rejects.toThrow("from must be before to");
});
