import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cpuPercent, parseCpuTimes } from "./cpu.js";
import { parseLoad } from "./load.js";
import { machineClass } from "./machine-class.js";
import { parseMemoryUsed } from "./memory.js";
import { parseGpus } from "./nvidia-smi.js";

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../test/fixtures/nvidia-smi", name), "utf8");

test("a recorded H100 under load", () => {
  expect(parseGpus(fixture("h100-load-query-gpu.csv"))).toEqual([
    {
      index: 0,
      uuid: "GPU-00000000-0000-0000-0000-000000000000",
      model: "NVIDIA H100 80GB HBM3",
      memoryBytes: 81559n * 1024n * 1024n,
      driverVersion: "590.48.01",
      utilizationPercent: 100,
      memoryUsedBytes: 19818n * 1024n * 1024n,
      temperatureCelsius: 59,
      powerWatts: 631.95,
    },
  ]);
});

test("what a GPU does not say is missing, and zero is zero", () => {
  const [gpu] = parseGpus(
    [
      "index, uuid, name, memory.total [MiB], driver_version, utilization.gpu [%], memory.used [MiB], temperature.gpu, power.draw [W]",
      "3, GPU-1, Tesla T4, 15360 MiB, 550.54.15, [N/A], 0 MiB, [GPU requires reset], [Unknown Error]",
    ].join("\n"),
  );
  expect(gpu).toMatchObject({ index: 3, memoryUsedBytes: 0n });
  expect(gpu?.utilizationPercent).toBeUndefined();
  expect(gpu?.temperatureCelsius).toBeUndefined();
  expect(gpu?.powerWatts).toBeUndefined();
});

test.each([
  "",
  "No devices were found\n",
  "Unable to determine the device handle for GPU0: Unknown Error\n",
  "index, uuid, name\n",
])("text that names no GPU has none: %j", (text) => {
  expect(parseGpus(text)).toEqual([]);
});

test("machines that can stand in for one another have one class", () => {
  expect(machineClass(16, [])).toBe("cpu16");
  expect(machineClass(208, Array(8).fill("NVIDIA H100 80GB HBM3"))).toBe("8x-nvidia-h100-80gb-hbm3");
  expect(machineClass(8, ["Tesla T4", "NVIDIA A100-SXM4-40GB", "Tesla T4"])).toBe(
    "1x-nvidia-a100-sxm4-40gb+2x-tesla-t4",
  );
});

test("CPU use is the part of the time between two looks", () => {
  const before = parseCpuTimes("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n");
  const after = parseCpuTimes("cpu  150 0 75 860 65 0 0 0 0 0\n");
  expect(before && after && cpuPercent(before, after)).toBe(50);
  expect(before && cpuPercent(before, before)).toBeUndefined();
  expect(parseCpuTimes("nonsense")).toBeUndefined();
});

test("memory and load", () => {
  expect(parseMemoryUsed("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n")).toBe(600n * 1024n);
  expect(parseMemoryUsed("MemTotal:  1000 kB\n")).toBeUndefined();
  expect(parseLoad("0.52 0.58 0.59 1/467 12345\n")).toBe(0.52);
  expect(parseLoad("")).toBeUndefined();
});
