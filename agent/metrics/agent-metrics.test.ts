import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { jobId, leaseId } from "../../shared/ids.js";
import { agentText, agentView } from "../../test/monitoring/example.js";
import { readExposition, sampleOf } from "../../test/monitoring/exposition.js";
import { exampleGrant } from "../core/example.js";
import { newRun } from "../core/lease-state.js";
import { bytesOnDisk } from "./spool-bytes.js";
import type { AgentView } from "./view.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-agent-metrics-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const told = async (given: Partial<AgentView> = {}) => readExposition(await agentText(agentView(given), dir));

it("tells of its leases by phase", async () => {
  const job = jobId("00000000-0000-4000-8000-000000000001");
  const run = newRun(exampleGrant(), { lease: leaseId(job, 1), job }, 0, { phase: "running" });
  const families = await told({ leases: [run, { ...run, frozen: true }, { ...run, progress: { phase: "done" } }] });
  expect(sampleOf(families, "stoker_agent_leases", { phase: "running" })).toBe(2);
  expect(sampleOf(families, "stoker_agent_leases", { phase: "done" })).toBe(1);
  expect(sampleOf(families, "stoker_agent_leases", { phase: "waiting" })).toBe(0);
  expect(sampleOf(families, "stoker_agent_leases_frozen")).toBe(1);
});

it("tells of GPUs, nvidia-smi and the kernel", async () => {
  const fault = { uuid: "n1-gpu-0", state: "draining", rule: "hot", message: "too hot", since: 1 } as const;
  const families = await told({ gpuFaults: [fault] });
  expect(sampleOf(families, "stoker_agent_gpu_state", { gpu: "0", state: "draining" })).toBe(1);
  expect(sampleOf(families, "stoker_agent_gpu_info", { model: 'A "100"' })).toBe(1);
  expect(sampleOf(families, "stoker_agent_gpu_temperature_celsius", { gpu: "0" })).toBe(61);
  expect(sampleOf(families, "stoker_agent_nvidia_smi_duration_seconds_sum", { query: "sample" })).toBe(0.75);
  expect(sampleOf(families, "stoker_agent_nvidia_smi_duration_seconds_count", { query: "sample" })).toBe(3);
  expect(sampleOf(families, "stoker_agent_nvidia_smi_failures_total", { kind: "hangs" })).toBe(1);
  expect(sampleOf(families, "stoker_agent_kernel_messages_total", { kind: "xid" })).toBe(2);
  expect(() => sampleOf(families, "stoker_agent_disk_low", { gpu: "0" })).toThrow("0 samples");
});

const up = ["session_up", "watchdog_up", "mounts_up", "gpus_known", "disk_low", "logs_waiting_bytes"] as const;

it("tells what is wrong with it", async () => {
  const of = (families: Awaited<ReturnType<typeof told>>) =>
    up.map((name) => sampleOf(families, `stoker_agent_${name}`));
  expect(of(await told())).toEqual([1, 1, 1, 1, 0, 0]);
  const ill = await told({
    ...{ isConnected: false, watchdogProblem: "gone", mountsProblem: "silent", gpusProblem: "hangs", diskLow: "low" },
    logsWaiting: { since: Date.now() - 60_000, bytes: 9, reason: "no NATS" },
  });
  expect(of(ill)).toEqual([0, 0, 0, 0, 1, 9]);
  expect(sampleOf(ill, "stoker_agent_logs_waiting_seconds")).toBeGreaterThanOrEqual(60);
});

it("a spool takes what its files take on the disk, in all folders, and none takes nothing", async () => {
  mkdirSync(join(dir, "lease", "0"), { recursive: true });
  writeFileSync(join(dir, "lease", "0", "stdout"), Buffer.alloc(1_000_000, "x"));
  expect(sampleOf(await told(), "stoker_agent_spool_bytes")).toBeGreaterThanOrEqual(1_000_000);
  expect(await bytesOnDisk(join(dir, "none"))).toBe(0);
});
