import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Inventory } from "../../shared/gen/stoker/v1/node_pb.js";
import { RecordedSmi } from "../../test/fakes/recorded-smi/scene.js";
import { GpuWatch } from "./gpu-watch.js";
import { limitedOutput } from "./limited-output.js";
import { MachineTelemetry } from "./machine-telemetry.js";
import { parseSmi } from "./smi/document.js";

/** A fake nvidia-smi at the process boundary. */
function fake(script: string): string {
  const dir = mkdtempSync(join(tmpdir(), "smi-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "nvidia-smi");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const silent = pino({ level: "silent" });

function telemetry(program: string, everyMs = 2_000, kept: { file?: string; boot?: string } = {}): MachineTelemetry {
  const made = new MachineTelemetry({ program, everyMs, ...kept }, silent);
  onTestFinished(() => made.close());
  return made;
}

const twoGpus = `echo 'index, uuid, name, memory.total [MiB], driver_version, utilization.gpu [%], memory.used [MiB], temperature.gpu, power.draw [W]'
echo '0, GPU-a, NVIDIA L40S, 46068 MiB, 595.80, 7 %, 12 MiB, 41, 82.10 W'
echo '1, GPU-b, NVIDIA L40S, 46068 MiB, 595.80, [N/A], 0 MiB, 40, [N/A]'`;

test("a machine without GPUs: what it is, and its first sample at once", async () => {
  const made = telemetry("/no/such/nvidia-smi");
  const inventory = await made.inventory({});
  expect(inventory.machineClass).toBe(`cpu${inventory.cpus}`);
  expect(inventory.gpus).toEqual([]);
  expect(inventory.memoryBytes).toBeGreaterThan(0n);
  expect(inventory.kernel).not.toBe("");
  await vi.waitFor(() => expect(made.latest()?.memoryUsedBytes).toBeGreaterThan(0n), 5_000);
  expect(made.latest()?.load1).toBeGreaterThanOrEqual(0);
  // Needs two looks: missing before, and not zero.
  expect(made.latest()?.cpuPercent).toBeUndefined();
});

test("GPUs are offered and measured; the owner may keep some, and name the class", async () => {
  const made = telemetry(fake(twoGpus));
  expect(await made.inventory({ gpus: 1 })).toMatchObject({
    ...{ machineClass: "1x-nvidia-l40s", driverVersion: "595.80" },
    gpus: [{ uuid: "GPU-a", memoryBytes: 46068n * 1024n * 1024n }],
  });
  expect(await made.inventory({ machineClass: "STANDARD_NC6", cpus: 3, memoryBytes: 5 })).toMatchObject({
    ...{ machineClass: "STANDARD_NC6", cpus: 3, memoryBytes: 5n },
  });
});

/** A fake nvidia-smi that answers as one that was recorded. */
function recordedSmi(recording: string): RecordedSmi {
  const dir = mkdtempSync(join(tmpdir(), "smi-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return new RecordedSmi(dir, recording);
}

test("GPUs are measured; what they do not say is missing", async () => {
  const smi = recordedSmi("v13-590.44-2x-rtx-a5000.xml");
  smi.gpu(0, { values: { "utilization.gpu": "7", "power.draw": "82.10", "memory.used": "0" } });
  smi.gpu(1, { values: { "utilization.gpu": "N/A", "power.draw": "Unknown Error" } });
  const made = telemetry(smi.program, 100);
  await made.inventory({});
  const [a, b] = await vi.waitFor(() => {
    expect(made.latest()?.gpus).toHaveLength(2);
    return made.latest()?.gpus ?? [];
  }, 10_000);
  expect(a).toMatchObject({ utilizationPercent: 7, powerWatts: 82.1, memoryUsedBytes: 0n });
  expect(b?.utilizationPercent).toBeUndefined();
  expect(b?.powerWatts).toBeUndefined();
  expect(b?.temperatureCelsius).toBeGreaterThan(0);
});

const recorded = (name: string) => join(import.meta.dirname, "../../test/fixtures/nvidia-smi", name);

test("a machine tells its GPUs, driver and CUDA version as its whole report has them", async () => {
  const made = telemetry(fake(`cat ${recorded("xml/v13-590.44-2x-rtx-a5000.xml")}`));
  const inventory = await made.inventory({});
  expect(inventory).toMatchObject({
    machineClass: "2x-nvidia-rtx-a5000",
    driverVersion: "590.44.01",
    cudaVersion: "13.1",
  });
  expect(inventory.gpus.map(({ index, memoryBytes }) => [index, memoryBytes / 1024n / 1024n])).toEqual([
    [0, 24564n],
    [1, 24564n],
  ]);
});

test("a warning after a whole report is no failure", async () => {
  const xml = recorded("xml/v11-515.105-a10g.xml");
  const made = telemetry(fake(`cat ${xml}; echo 'WARNING: infoROM is corrupted at gpu 0000:00:1E.0'; exit 14`));
  expect((await made.inventory({})).gpus).toHaveLength(1);
});

test("MIG devices are offered in place of their GPU", async () => {
  const list = [
    "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-513536b6-7d19-9063-b049-1e69664bb298)",
    ...["3g.40gb", "2g.20gb", "1g.10gb"].map((profile, at) => `  MIG ${profile}     Device  ${at}: (UUID: MIG-${at})`),
  ].join("\n");
  const xml = recorded("xml/v12-535.54-a100-sxm4-mig.xml");
  const made = telemetry(fake(`if [ "$1" = -L ]; then echo '${list}'; else cat ${xml}; fi`));
  const inventory = await made.inventory({});
  expect(inventory.gpus.map(({ uuid, model }) => [uuid, model])).toEqual([
    ["MIG-0", "NVIDIA A100-SXM4-80GB MIG 3g.40gb"],
    ["MIG-1", "NVIDIA A100-SXM4-80GB MIG 2g.20gb"],
    ["MIG-2", "NVIDIA A100-SXM4-80GB MIG 1g.10gb"],
  ]);
});

test("a failing nvidia-smi costs the GPUs, not the agent", async () => {
  const made = telemetry(
    fake("echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9"),
  );
  expect((await made.inventory({})).gpus).toEqual([]);
});

test("a hanging nvidia-smi holds up no sample", async () => {
  const smi = recordedSmi("v13-580.105-8x-h100.xml");
  smi.change({ on: { sample: { hangs: true } } });
  const made = telemetry(smi.program, 100);
  expect((await made.inventory({})).gpus).toHaveLength(8);
  await vi.waitFor(() => expect(made.latest()?.cpuPercent).toBeGreaterThanOrEqual(0), 10_000);
  expect(made.latest()?.gpus).toEqual([]);
});

test("an agent that begins again waits for no nvidia-smi: it offers what it knew in this boot, and looks again", async () => {
  const smi = recordedSmi("v13-580.105-8x-h100.xml");
  const kept = { file: join(smi.folder, "gpus.json"), boot: "b1" };
  const [first] = (await telemetry(smi.program, 100, kept).inventory({})).gpus;
  expect(first?.links).toEqual(["X", "NV4", "PXB", "PXB", "SYS", "SYS", "SYS", "SYS"]);
  smi.change({ on: { all: { hangs: true } } });
  const again = telemetry(smi.program, 100, kept);
  expect((await again.inventory({})).gpus[0]).toEqual(first);
  // What is gone by now is gone: its owner has started the agent anew.
  smi.change({ on: {} });
  smi.gpu(7, { gone: true });
  const changes = changesOf(again);
  again.read(parseSmi(await limitedOutput(smi.program, ["-q", "-x"], 20_000)));
  await vi.waitFor(() => expect(changes.at(-1)?.gpus).toHaveLength(7), 10_000);
  smi.change({ on: { all: { exitCode: 9, stdout: "couldn't communicate with the NVIDIA driver" } } });
  expect((await telemetry(smi.program, 100, { ...kept, boot: "b2" }).inventory({})).gpuTrouble).toMatch(/not loaded/);
});

const changesOf = (made: MachineTelemetry) => {
  const changes: Inventory[] = [];
  made.changed((inventory) => changes.push(inventory));
  return changes;
};

test("GPUs come when their driver does; one that is lost later is still offered, for its health says the rest", async () => {
  const smi = recordedSmi("v13-580.105-8x-h100.xml");
  smi.change({ on: { all: { exitCode: 9, stdout: "couldn't communicate with the NVIDIA driver" } } });
  const made = telemetry(smi.program, 100);
  expect(await made.inventory({})).toMatchObject({ gpus: [], gpuTrouble: expect.stringMatching(/modprobe nvidia/) });
  const changes = changesOf(made);
  const watch = new GpuWatch([], { program: smi.program, everyMs: 200, read: (...told) => made.read(...told) }, silent);
  onTestFinished(() => watch.close());
  watch.start(() => new Set());
  smi.change({ on: {} });
  await vi.waitFor(
    () => expect(changes.at(-1)).toMatchObject({ machineClass: expect.stringMatching(/^8x-/), gpuTrouble: "" }),
    20_000,
  );
  watch.offer(changes.at(-1)?.gpus ?? []);
  await vi.waitFor(() => expect(made.latest()?.gpus).toHaveLength(8), 10_000);
  smi.gpu(2, { gone: true });
  await vi.waitFor(
    () => expect(watch.faults()).toMatchObject([{ rule: "missing", uuid: changes.at(-1)?.gpus[2]?.uuid }]),
    20_000,
  );
  expect(changes.at(-1)?.gpus).toHaveLength(8);
});

test("a program that hangs is killed with its children at the limit", async () => {
  const path = fake('sleep 600 & echo $! > "$0.pid"; wait');
  await expect(limitedOutput(path, [], 300)).rejects.toThrow("did not end within 0.3 s");
  const pid = Number(readFileSync(`${path}.pid`, "utf8"));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 5_000);
});

test("one that can't be killed is not started again before it has ended", async () => {
  const path = fake('echo $$ >> "$0.pids"; exec sleep 600');
  const pids = () => readFileSync(`${path}.pids`, "utf8").trim().split("\n").map(Number);
  // As the kernel holds one whose driver never answers.
  const inVain = () => undefined;
  await expect(limitedOutput(path, [], 300, inVain)).rejects.toMatchObject({ run: { timedOut: true } });
  await expect(limitedOutput(path, [], 300, inVain)).rejects.toThrow("not started again");
  expect(pids()).toHaveLength(1);
  process.kill(pids()[0] ?? 0, "SIGKILL");
  await vi.waitFor(async () => {
    await limitedOutput(path, [], 300).catch(() => undefined);
    expect(pids()).toHaveLength(2);
  }, 10_000);
});

test("one whose child holds its output open is not waited for", async () => {
  const path = fake('sleep 600 & echo $! > "$0.pid"; echo whole; exit 0');
  expect(await limitedOutput(path, [], 20_000)).toBe("whole\n");
  process.kill(Number(readFileSync(`${path}.pid`, "utf8")), "SIGKILL");
});
