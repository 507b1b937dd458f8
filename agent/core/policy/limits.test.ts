import { expect, it } from "vitest";
import { deniedGpus, gpuInformation, killedForMemory, limitsOfVersion1, limitsOfVersion2 } from "./limits.js";

const value = (files: readonly { name: string; value: string }[], name: string) =>
  files.find((file) => file.name === name)?.value;

it("keeps a share to its memory and cores, and kills it as a whole", () => {
  const files = limitsOfVersion2({ cpus: 2, memoryBytes: 4096 }, 8);
  expect(value(files, "memory.max")).toBe("4096");
  expect(value(files, "memory.swap.max")).toBe("0");
  expect(value(files, "memory.oom.group")).toBe("1");
  expect(value(files, "cpu.max")).toBe("200000 100000");
  expect(value(files, "cpu.weight")).toBe("200");
});

it("counts no cores of a lease that has them all, nor memory of one without a share of it", () => {
  expect(value(limitsOfVersion2({ cpus: 8, memoryBytes: 0 }, 8), "cpu.max")).toBe("max 100000");
  expect(value(limitsOfVersion2({ cpus: 8, memoryBytes: 0 }, 8), "memory.max")).toBe("max");
  expect(value(limitsOfVersion1({ cpus: 8, memoryBytes: 0 }, 8).cpu, "cpu.cfs_quota_us")).toBe("-1");
});

it("says the same in the words of version 1", () => {
  const { memory, cpu, pids } = limitsOfVersion1({ cpus: 2, memoryBytes: 4096 }, 8);
  expect(value(memory, "memory.limit_in_bytes")).toBe("4096");
  expect(value(cpu, "cpu.cfs_quota_us")).toBe("200000");
  expect(value(pids, "pids.max")).toBe("32768");
});

it("reads both versions' count of killed processes", () => {
  expect(killedForMemory("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n")).toBe(3);
  expect(killedForMemory("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")).toBe(2);
  expect(killedForMemory("")).toBe(0);
});

it("denies every GPU but those that were granted, and none of the devices that all need", () => {
  const denied = deniedGpus([1]);
  expect(denied).toContain("c 195:0 rwm");
  expect(denied).not.toContain("c 195:1 rwm");
  expect(denied.some((rule) => rule.includes(":255 ") || rule.includes(":254 "))).toBe(false);
});

it("reads the driver's words about a GPU", () => {
  const text =
    "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 240\nGPU UUID: \t GPU-5f1e-77\nDevice Minor: \t 3\nGPU Firmware: \t 550.54\n";
  expect(gpuInformation(text)).toEqual({ uuid: "GPU-5f1e-77", minor: 3 });
  expect(gpuInformation("Model: x\n")).toBeUndefined();
});
