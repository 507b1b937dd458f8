import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AgentProcess } from "../fakes/agent-process.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { RecordedSmi } from "../fakes/recorded-smi/scene.js";
import { until } from "../fakes/until.js";

const path = process.env.PATH;
let dir: string;
let smi: RecordedSmi;
let site: AgentProcess | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-gpu-sampling-"));
});

afterEach(async () => {
  process.env.PATH = path;
  await site?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function recorded(recording: string): void {
  smi = new RecordedSmi(dir, recording);
  process.env.PATH = `${dir}:${path}`;
}

const agent = async () => {
  site = await AgentProcess.start(12_000, "--sample-interval", "0.5");
  return site.coordinator;
};

const heartbeats = () =>
  site?.coordinator.messages.flatMap((message) => (message.case === "heartbeat" ? [message.value] : [])) ?? [];

it("samples go with heartbeats, GPUs named by their place; one that vanishes without a word of the kernel is out of service", async () => {
  recorded("v13-580.105-8x-h100.xml");
  smi.gpu(5, { values: { "utilization.gpu": "77", "memory.used": "1000" } });
  const coordinator = await agent();
  const { gpus = [] } = coordinator.hellos[0]?.inventory ?? {};
  expect(gpus.map(({ links }) => links[1])).toEqual(["NV4", "X", "PXB", "PXB", "SYS", "SYS", "SYS", "SYS"]);
  const telemetry = await until("a sample", () => {
    const last = heartbeats().at(-1)?.telemetry;
    return last?.gpus.length === 8 ? last : undefined;
  });
  expect(telemetry.gpus[5]).toMatchObject({
    uuid: "",
    place: 6,
    utilizationPercent: 77,
    memoryUsedBytes: 1000n << 20n,
  });
  await until("facts of the machine", () =>
    heartbeats().some(({ telemetry: told }) => (told?.host?.disks.length ?? 0) > 0),
  );
  smi.gpu(2, { gone: true });
  const faults = await until("a fault", () =>
    heartbeats()
      .at(-1)
      ?.gpuFaults.find(({ state }) => state === "failed"),
  );
  expect(faults).toMatchObject({ uuid: gpus[2]?.uuid, rule: "missing" });
  // Heartbeats come while nvidia-smi hangs, and a hang does not make a healthy GPU a failed one.
  smi.change({ on: { all: { hangs: true } } });
  const count = heartbeats().length;
  await until("more heartbeats", () => heartbeats().length > count + 20);
  expect(
    heartbeats()
      .at(-1)
      ?.gpuFaults.filter(({ state }) => state === "failed"),
  ).toHaveLength(1);
});

it("an agent whose driver is loaded later says so in a new session, and its ranks see nothing of it", async () => {
  recorded("v12-535.54-a100-sxm4-mig.xml");
  const [uuid] = ["GPU-513536b6-7d19-9063-b049-1e69664bb298"];
  smi.change({ on: { all: { exitCode: 9, stdout: "NVIDIA-SMI couldn't communicate with the NVIDIA driver.\n" } } });
  const coordinator = await agent();
  expect(coordinator.hellos[0]?.inventory).toMatchObject({ gpus: [], gpuTrouble: expect.stringContaining("modprobe") });
  const before = makeGrant({ ranks: [{ rank: 0, commandLine: "exec sleep 600" }] });
  coordinator.grant(before);
  await until("its rank", () => coordinator.story(before.leaseId).includes("ready"));
  // Its GPU comes as its MIG devices.
  const { list, devices } = migList(uuid ?? "");
  smi.change({ on: { list: { exitCode: 0, stdout: list } } });
  const hello = await until(
    "another hello",
    () => coordinator.hellos.find(({ inventory }) => inventory?.gpus.length === 4),
    60_000,
  );
  expect(hello.inventory?.gpus.map((gpu) => [gpu.uuid, gpu.parentUuid])).toEqual(
    devices.map((device) => [device, uuid]),
  );
  expect(hello.inventory?.gpuTrouble).toBe("");
  expect(hello.leases.map(({ leaseId }) => leaseId)).toEqual([before.leaseId]);
  const file = join(site?.dir ?? "", "seen");
  coordinator.grant(
    makeGrant({
      gpuUuids: [devices[1] ?? ""],
      ranks: [{ rank: 0, commandLine: `echo $CUDA_VISIBLE_DEVICES > ${file}` }],
    }),
  );
  await until("what a rank sees", () => readOrEmpty(file) === `${devices[1]}\n`);
});

function migList(parent: string) {
  const devices = [0, 1, 2, 3].map((at) => `MIG-00000000-0000-0000-0000-00000000000${at}`);
  const lines = devices.map((device, at) => `  MIG 1g.10gb     Device  ${at}: (UUID: ${device})`);
  return { devices, list: [`GPU 0: NVIDIA A100-SXM4-80GB (UUID: ${parent})`, ...lines, ""].join("\n") };
}

const readOrEmpty = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
