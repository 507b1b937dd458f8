import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { StatusService } from "../../shared/gen/stoker/v1/status_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";

const gib = 2n ** 30n;
const uuids = ["GPU-0", "GPU-1", "GPU-2"];
const thresholds = "step=PT1S,hangAfter=PT3S,stragglerAfter=PT3S,idleAfter=PT60S,idleWarning=PT2S";

let coordinator: CoordinatorProcess;
let agent: FakeAgent;
let sending: NodeJS.Timeout | undefined;
let sequence = 0n;
/** What its GPUs show from now on. */
let now: ReadonlyArray<{ utilizationPercent: number; powerWatts: number; smClockMhz: number }> = [];

beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  await coordinator.start(["--gang-watch", thresholds]);
  await coordinator.furnish();
  await connect();
});

afterEach(async () => {
  clearInterval(sending);
  agent.close();
  await coordinator.dispose();
});

async function connect(leaseId?: string): Promise<void> {
  clearInterval(sending);
  agent = new FakeAgent(coordinator.address, coordinator.token);
  const gpus = uuids.map((uuid, index) => ({ uuid, index, model: "Test", memoryBytes: 8n * gib }));
  const inventory = { machineClass: "fake", cpus: 4, memoryBytes: 8n * gib, gpus };
  const leases = leaseId === undefined ? [] : [{ leaseId }];
  agent.send({
    case: "hello",
    value: { nodeName: "n1", address: "127.0.0.1", agentVersion: "fake", bootId: "boot-1", inventory, leases },
  });
  await agent.hears("welcome");
  sequence = 0n;
}

function beat(leaseId: string): void {
  const send = () => {
    sequence += 1n;
    const gpus = now.map((values, at) => ({ uuid: uuids[at] ?? "", ...values, temperatureCelsius: 50 }));
    agent.send({ case: "heartbeat", value: { sequence, leases: [{ leaseId }], telemetry: { cpuPercent: 5, gpus } } });
  };
  send();
  sending = setInterval(send, 250);
}

const working = uuids.map(() => ({ utilizationPercent: 98, powerWatts: 300, smClockMhz: 1_400 }));
const waiting = uuids.map(() => ({ utilizationPercent: 100, powerWatts: 90, smClockMhz: 1_400 }));
const oneSlow = working.map((values, at) => ({ ...values, smClockMhz: at === 1 ? 900 : 1_400 }));

async function run(spec: object): Promise<{ id: string; leaseId: string }> {
  const { job } = await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: { ...tinyJob(), ...spec } });
  const { leaseId } = await agent.hears("grant");
  agent.send({ case: "report", value: { leaseId, sequence: 1n, event: { case: "ready", value: {} } } });
  beat(leaseId);
  return { id: job?.id ?? "", leaseId };
}

const suspected = async (id: string) => {
  const { job } = await coordinator.jobs.getJob({ id });
  return (job?.findings ?? []).filter(({ endTime }) => endTime === undefined);
};

/** What is suspected, once it is that. */
async function comes(id: string, kind: string) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(200)) {
    const found = (await suspected(id)).find((each) => each.kind === kind);
    if (found) return found;
  }
  throw new Error(`no ${kind} was found`);
}

it("a straggler and a hang are seen by the GPUs alone, told everywhere, and taken back; a restart loses neither", async () => {
  now = working;
  const { id, leaseId } = await run({ resources: { gpus: 3 } });
  now = oneSlow;
  const straggler = await comes(id, "straggler");
  expect(straggler).toMatchObject({ rule: "straggler-clock", gpus: [{ nodeName: "n1", index: 1, uuid: "GPU-1" }] });
  expect(straggler.message).toContain("GPU 1 of n1 is slower than its peers: it runs at 900 MHz, they at 1400 MHz");

  now = waiting;
  const hang = await comes(id, "hang");
  expect(hang.message).toMatch(
    /^the job seems to hang: its 3 GPUs are at full utilization and next to no power for 3 seconds/,
  );
  const { node } = await coordinator.client(NodeService).getNode({ id: "nodes/n1" });
  expect(node?.allocations).toMatchObject([{ jobId: id, suspected: ["hang"], gpuUuids: uuids }]);
  const { status } = await coordinator.client(StatusService).getStatus({});
  expect(status?.troubles).toMatchObject([{ id, kind: "hang" }]);
  const { reasons } = await coordinator.jobs.explainJob({ id });
  expect(reasons).toMatchObject([{ check: "hang", nodes: ["n1"] }]);

  clearInterval(sending);
  agent.close();
  await coordinator.end("SIGKILL");
  await coordinator.start(["--gang-watch", thresholds]);
  expect(await suspected(id)).toMatchObject([{ kind: "hang" }]);
  await connect(leaseId);
  now = working;
  beat(leaseId);
  for (const deadline = Date.now() + 30_000; (await suspected(id)).length > 0; await delay(200)) {
    expect(Date.now()).toBeLessThan(deadline);
  }
  const { usage } = await coordinator.jobs.getJobUsage({ id });
  expect(usage?.findings.map(({ kind, endTime }) => `${kind} ${endTime ? "over" : "open"}`)).toEqual([
    "straggler over",
    "hang over",
  ]);
});
