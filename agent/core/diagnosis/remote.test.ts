import { expect, it } from "vitest";
import { readMessage } from "../kernel/message.js";
import { gpu, now, xid } from "./example-death.js";
import { remoteDeaths } from "./remote.js";

const ranks = [
  { pid: 40, name: "orted" },
  { pid: 42, name: "python3", rank: 3 },
];

function deaths(...lines: string[]) {
  const kernel = lines.flatMap((line) => readMessage(line) ?? []).map((message) => ({ at: now, message }));
  return remoteDeaths(ranks, { kernel, gpus: [gpu], lease: "l.1" });
}

it("a rank of another node's launcher is known by its number in the kernel's log", () => {
  expect(deaths("Out of memory: Killed process 42 (python3) total-vm:1kB")).toMatchObject([
    { rank: 3, diagnosis: { rule: "machine-out-of-memory", class: "node", proven: true } },
  ]);
  expect(deaths("Memory cgroup out of memory: Killed process 42 (python3) total-vm:1kB")).toMatchObject([
    { rank: 3, diagnosis: { rule: "memory-limit", class: "user" } },
  ]);
  const [crash] = deaths("python3[42]: segfault at 0 ip 00007f error 4 in libc.so");
  expect(crash).toMatchObject({ pid: 42, rank: 3, diagnosis: { rule: "sigsegv", class: "user", proven: false } });
  expect(crash?.diagnosis.sentence).toBe(
    "it used memory that is not its own (SIGSEGV), 14:02:20 UTC; the kernel says: segfault at 0 ip 00007f error 4 in libc.so",
  );
});

it("a GPU of the lease that failed is told with or without a process; others' deaths are not", () => {
  expect(deaths(xid(79))).toMatchObject([{ pid: 7, diagnosis: { rule: "xid-reboot", class: "gpu", proven: true } }]);
  expect(deaths("Out of memory: Killed process 99 (other) total-vm:1kB", "other[99]: segfault at 0 ip 1")).toEqual([]);
  expect(deaths("NVRM: Xid (PCI:0000:5e:00): 79, pid=42, name=python3, GPU has fallen off the bus.")).toEqual([]);
});

it("where no launcher has started anything, nothing is said", () => {
  const message = readMessage(xid(79));
  expect(message).toBeDefined();
  const kernel = message ? [{ at: now, message }] : [];
  expect(remoteDeaths([], { kernel, gpus: [gpu], lease: "l.1" })).toEqual([]);
});
