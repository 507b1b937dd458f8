import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { limitedOutput } from "./limited-output.js";
import { MachineTelemetry } from "./machine-telemetry.js";

/** A fake nvidia-smi at the process boundary. */
function fake(script: string): string {
  const dir = mkdtempSync(join(tmpdir(), "smi-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "nvidia-smi");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function telemetry(nvidiaSmi: string): MachineTelemetry {
  const made = new MachineTelemetry({ nvidiaSmi }, pino({ level: "silent" }));
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
  await vi.waitFor(() => expect(made.latest()?.gpus).toHaveLength(2), 5_000);
  const [a, b] = made.latest()?.gpus ?? [];
  expect(a).toMatchObject({ uuid: "GPU-a", utilizationPercent: 7, temperatureCelsius: 41, powerWatts: 82.1 });
  expect(b).toMatchObject({ uuid: "GPU-b", memoryUsedBytes: 0n });
  expect(b?.utilizationPercent).toBeUndefined();
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

test("a hanging nvidia-smi holds up no sample, and is not asked twice at once", async () => {
  // The first two are the inventory's: the whole report, and since that is no XML, the table.
  const path = fake(`echo x >> "$0.calls"; if [ "$(wc -l < "$0.calls")" -gt 2 ]; then sleep 60; fi\n${twoGpus}`);
  const made = telemetry(path);
  await made.inventory({});
  await vi.waitFor(() => expect(made.latest()?.memoryUsedBytes).toBeGreaterThan(0n), 5_000);
  await vi.waitFor(() => expect(made.latest()?.cpuPercent).toBeGreaterThanOrEqual(0), 10_000);
  expect(made.latest()?.gpus).toEqual([]);
  expect(readFileSync(`${path}.calls`, "utf8")).toBe("x\nx\nx\n");
});

test("a program that hangs is killed with its children at the limit", async () => {
  const path = fake('sleep 600 & echo $! > "$0.pid"; wait');
  await expect(limitedOutput(path, [], 300)).rejects.toThrow("did not end within 0.3 s");
  const pid = Number(readFileSync(`${path}.pid`, "utf8"));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 5_000);
});
