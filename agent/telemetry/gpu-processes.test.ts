import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gpuProcesses } from "./gpu-processes.js";
import { belongingOf, type ProcessTable, processTable } from "./process-table.js";
import { devicesOf } from "./smi/devices.js";
import { parseSmi } from "./smi/document.js";

const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../test/fixtures/nvidia-smi/xml", name), "utf8");

/** As /proc would have them; those that are not named have ended. */
function table(processes: Record<number, { environment?: string[]; parent?: number; uid?: number }>): ProcessTable {
  const of = (pid: number) => {
    const found = processes[pid];
    if (!found) throw Object.assign(new Error("it is gone"), { code: "ENOENT" });
    return found;
  };
  return {
    environmentOf: (pid) => (of(pid).environment ?? []).map((entry) => `${entry}\0`).join(""),
    statusOf: (pid) => ({ parent: of(pid).parent ?? 1, uid: of(pid).uid ?? 0 }),
  };
}

const accounts = { of: (uid: number) => `user${uid}` };
const lease = "00000000-0000-4000-8000-000000000001.2";

test("whose a process is: by its own word, or its launcher's; a rank by the nearest that has one", () => {
  const all = table({
    10: { environment: [`STOKER_LEASE=${lease}`, "AZ_BATCHAI_TASK_INDEX=1"] },
    11: { environment: ["PMIX_RANK=7"], parent: 10 },
    12: { parent: 11 },
    20: { environment: ["NOT_STOKER_LEASE=x", "RANK=no"], parent: 21 },
    21: { environment: [], parent: 1 },
    30: { parent: 31 },
  });
  expect(belongingOf(10, all)).toEqual({ leaseId: lease, rank: 1 });
  expect(belongingOf(11, all)).toEqual({ leaseId: lease, rank: 7 });
  expect(belongingOf(12, all)).toEqual({ leaseId: lease, rank: 7 });
  expect(belongingOf(20, all)).toEqual({});
  // Its launcher has ended, or is not ours to look at.
  expect(belongingOf(30, all)).toEqual({});
  expect(belongingOf(99, all)).toBeUndefined();
  expect(belongingOf(process.pid, processTable)?.leaseId).toBe(process.env.STOKER_LEASE);
});

test("what computes on each GPU, with its account, and without what stands behind its program", () => {
  let pid = 100;
  const text = recorded("v13-590.44-2x-rtx-a5000.xml")
    .replaceAll(/<process_name>.*?(?=<)/g, "<process_name>/opt/env/bin/python3 train.py --token=secret")
    .replaceAll(/<pid>\d+/g, () => `<pid>${pid++}`);
  const document = parseSmi(text);
  const devices = devicesOf(document, []);
  const pids = document.gpus.flatMap(({ processes }) => processes.map(({ pid }) => pid));
  expect(pids.length).toBeGreaterThan(1);
  const [first = 0, second = 0] = pids;
  const known = table({ [first]: { environment: [`STOKER_LEASE=${lease}`], uid: 1000 }, [second]: { uid: 1001 } });
  const found = gpuProcesses(document, devices, { table: known, accounts });
  expect(found.find(({ pid }) => pid === first)).toMatchObject({
    ...{ name: "python3", account: "user1000", leaseId: lease, memoryBytes: expect.any(BigInt) },
  });
  expect(found.find(({ pid }) => pid === second)).toMatchObject({ account: "user1001", leaseId: "" });
  expect(JSON.stringify(found, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
    /secret|opt/,
  );
});

test("of a divided GPU, the part that a process runs on", () => {
  const document = parseSmi(recorded("v12-535.54-a100-sxm4-mig.xml"));
  const [gpu] = document.gpus;
  if (!gpu?.uuid) throw new Error("the recording has no GPU");
  const list = [{ index: 0, name: "A100", uuid: gpu.uuid, migDevices: gpu.mig.devices.map((_, index) => part(index)) }];
  const devices = devicesOf(document, list);
  const [, second] = gpu.mig.devices;
  const instances = { gpuInstance: second?.gpuInstance ?? -1, computeInstance: second?.computeInstance ?? -1 };
  const processes = [
    { pid: 10, type: "C", ...instances },
    { pid: 11, type: "C" },
    { pid: 12, type: "G", ...instances },
  ];
  const found = gpuProcesses({ gpus: [{ ...gpu, processes }] }, devices, { table: table({ 10: {} }), accounts });
  expect(found.map(({ pid, gpuUuid }) => [pid, gpuUuid])).toEqual([
    [10, "MIG-1"],
    [11, gpu.uuid],
  ]);
});

const part = (index: number) => ({ index, profile: "1g.10gb", uuid: `MIG-${index}` });
