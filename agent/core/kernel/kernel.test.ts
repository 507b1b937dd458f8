import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type KernelMessage, readMessage } from "./message.js";
import { readRecord } from "./record.js";
import { readXid } from "./xid.js";
import { meaningOf } from "./xid-table.js";

interface Line {
  line: string;
  expect: { xid: number; pci: string; pid: number | null; name: string | null; gi: number | null; ci: number | null };
  severity: string;
}

const folder = resolve(import.meta.dirname, "../../../test/fixtures/nvidia-smi/xid");
const lines = JSON.parse(readFileSync(resolve(folder, "kernel-lines.json"), "utf8")) as {
  xid: Line[];
  notXid: Array<{ line: string }>;
};

describe("an Xid", () => {
  it.each(lines.xid)("is read from $line", ({ line, expect: expected }) => {
    const {
      code,
      bus,
      pid = null,
      processName = null,
      gpuInstance = null,
      computeInstance = null,
    } = readXid(line) ?? {};
    expect({ xid: code, pci: bus, pid, name: processName, gi: gpuInstance, ci: computeInstance }).toEqual(expected);
  });

  it.each(lines.notXid)("is not in $line", ({ line }) => {
    expect(readXid(line)).toBeUndefined();
  });

  const actions: Record<string, string> = {
    reboot: "reboot",
    reset: "reset",
    app: "application",
    "follow-previous": "follows",
    ignore: "note",
    unknown: "note",
  };
  it.each(lines.xid.filter(({ severity }) => severity in actions))("$expect.xid means $severity", (line) => {
    const xid = readXid(line.line);
    expect(xid && meaningOf(xid).action).toBe(actions[line.severity]);
  });

  it("that tells of a recovery means what it says", () => {
    const told = lines.xid.filter(({ severity }) => severity === "recovery-action").map(({ line }) => readXid(line));
    expect(told.map((xid) => xid && meaningOf(xid))).toEqual([
      { action: "reset-when-idle", words: "is said by its driver to need: Drain and Reset" },
      { action: "reset", words: "is said by its driver to need: GPU Reset Required" },
    ]);
  });

  it("is found among the other lines of a recorded log", () => {
    const codesIn = (file: string) =>
      readFileSync(resolve(folder, file), "utf8")
        .split("\n")
        .flatMap((line) => readXid(line)?.code ?? []);
    expect(new Set(codesIn("dmesg-iso-xid-13-43.txt"))).toEqual(new Set([13, 43]));
    expect(codesIn("dmesg-xid-119-gsp-timeout.txt").filter((code) => code !== 119)).toEqual([]);
    expect(codesIn("dmesg-xid-119-gsp-timeout.txt").length).toBeGreaterThan(0);
  });
});

describe("a record of /dev/kmsg", () => {
  it("is read with its number and its time, without the lines about the device", () => {
    expect(readRecord("6,2774,14772677170,-;switch: port 5(m4) entered blocking state\n SUBSYSTEM=net\n")).toEqual({
      sequence: 2774,
      atUs: 14772677170,
      text: "switch: port 5(m4) entered blocking state",
    });
  });

  it("may have more fields, and characters that are written as numbers", () => {
    expect(readRecord("4,5,6,c,caller=T12;a\\x09b; c")?.text).toBe("a\tb; c");
  });

  it("is not what has no head", () => {
    expect(readRecord("NVRM: hello")).toBeUndefined();
  });
});

const said: Array<[string, KernelMessage | undefined]> = [
  [
    "Out of memory: Killed process 4242 (python3) total-vm:1048576kB, anon-rss:524288kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
    { kind: "out-of-memory", pid: 4242, processName: "python3", limited: false },
  ],
  [
    "Memory cgroup out of memory: Killed process 7 (tr (x)) total-vm:1kB",
    { kind: "out-of-memory", pid: 7, processName: "tr (x)", limited: true },
  ],
  [
    "python3[3141]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in python3.11[55d0+1000]",
    {
      kind: "crash",
      pid: 3141,
      processName: "python3",
      text: "segfault at 0 ip 000055d0 sp 00007ffc error 4 in python3.11[55d0+1000]",
    },
  ],
  [
    "traps: a.out[99] general protection fault ip:40 sp:7f error:0 in a.out[400000+1000]",
    {
      kind: "crash",
      pid: 99,
      processName: "a.out",
      text: "general protection fault ip:40 sp:7f error:0 in a.out[400000+1000]",
    },
  ],
  [
    "traps: train[12] trap invalid opcode ip:55 sp:7f error:0 in train[400000+1000]",
    {
      kind: "crash",
      pid: 12,
      processName: "train",
      text: "trap invalid opcode ip:55 sp:7f error:0 in train[400000+1000]",
    },
  ],
  [
    "INFO: task cache_mgr:event:620917 blocked for more than 120 seconds.",
    { kind: "hung", pid: 620917, processName: "cache_mgr:event", seconds: 120 },
  ],
  ["nfs: server 10.0.0.4 not responding, still trying", { kind: "nfs-silent", server: "10.0.0.4" }],
  ["nfs: server 10.0.0.4 not responding, timed out", { kind: "nfs-silent", server: "10.0.0.4" }],
  ["nfs: server filer.lab OK", { kind: "nfs-answers", server: "filer.lab" }],
  ["blk_update_request: I/O error, dev sda, sector 123 op 0x0:(READ) flags 0x0", { kind: "disk-error", device: "sda" }],
  ["critical medium error, dev nvme0n1, sector 5", { kind: "disk-error", device: "nvme0n1" }],
  ["EXT4-fs (sda1): Remounting filesystem read-only", { kind: "read-only", device: "sda1" }],
  [
    "mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5: be00",
    { kind: "machine-check", text: "CPU 3: Machine Check: 0 Bank 5: be00" },
  ],
  [
    "mce: CPU2: Package temperature above threshold, cpu clock throttled (total events = 1)",
    { kind: "overheated", text: "CPU2: Package temperature above threshold, cpu clock throttled (total events = 1)" },
  ],
  [
    "pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:3b:00.0",
    { kind: "pcie-error", bus: "0000:3b:00", fatal: true },
  ],
  [
    "pcieport 0000:00:01.0: AER: Corrected error received: 0000:3b:00.0",
    { kind: "pcie-error", bus: "0000:3b:00", fatal: false },
  ],
  ["ixgbe 0000:01:00.0 eth0: NIC Link is Down", { kind: "link-down", device: "eth0" }],
  [
    "NVRM: GPU at PCI:0000:91:00: GPU-b6c3b2be-c55b-d076-fa0e-d464e4c7e08b",
    { kind: "gpu-at", bus: "0000:91:00", uuid: "GPU-b6c3b2be-c55b-d076-fa0e-d464e4c7e08b" },
  ],
  ["NVRM: The NVIDIA GPU 0000:b3:00.0", { kind: "gpu-fell-off", bus: "0000:b3:00" }],
  ["switch: port 5(m4) entered blocking state", undefined],
  ["EXT4-fs (sda1): mounted filesystem with ordered data mode", undefined],
];

describe("a message of the kernel", () => {
  it.each(said)("%s", (text, expected) => {
    expect(readMessage(text)).toEqual(expected);
  });
});
