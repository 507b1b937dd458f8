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

test("a failing nvidia-smi costs the GPUs, not the agent", async () => {
  const made = telemetry(
    fake("echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9"),
  );
  expect((await made.inventory({})).gpus).toEqual([]);
});

test("a hanging nvidia-smi holds up no sample, and is not asked twice at once", async () => {
  const path = fake(`echo x >> "$0.calls"; if [ "$(wc -l < "$0.calls")" -gt 1 ]; then sleep 60; fi\n${twoGpus}`);
  const made = telemetry(path);
  await made.inventory({});
  await vi.waitFor(() => expect(made.latest()?.memoryUsedBytes).toBeGreaterThan(0n), 5_000);
  await vi.waitFor(() => expect(made.latest()?.cpuPercent).toBeGreaterThanOrEqual(0), 10_000);
  expect(made.latest()?.gpus).toEqual([]);
  expect(readFileSync(`${path}.calls`, "utf8")).toBe("x\nx\n");
});

test("a program that hangs is killed with its children at the limit", async () => {
  const path = fake('sleep 600 & echo $! > "$0.pid"; wait');
  await expect(limitedOutput(path, [], 300)).rejects.toThrow("did not end within 0.3 s");
  const pid = Number(readFileSync(`${path}.pid`, "utf8"));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 5_000);
});
