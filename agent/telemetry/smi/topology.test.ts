import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestNics, parseTopology } from "./topology.js";

const recorded = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/nvidia-smi", name), "utf8");

test("eight GPUs behind switches, half of them at each processor", () => {
  const topology = parseTopology(recorded("constructed-8x-h100-topo-m.txt"));
  expect([...topology.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(topology.get(3)?.links.get(7)).toBe("NV18");
  expect(topology.get(3)?.links.get(3)).toBe("X");
  expect(topology.get(3)).toMatchObject({ cpuAffinity: "0-51", numaNode: 0 });
  expect(topology.get(4)).toMatchObject({ cpuAffinity: "52-103", numaNode: 1 });
});

test("as a driver writes it: underlined head, tabs, and an empty cell", () => {
  const topology = parseTopology(recorded("h100-topo-m.txt"));
  expect([...topology]).toEqual([
    [0, { links: new Map([[0, "X"]]), nics: new Map(), cpuAffinity: "0-19", numaNode: 0 }],
  ]);
});

test("two GPUs without a known NUMA node", () => {
  const topology = parseTopology(recorded("constructed-2gpu-topo-m.txt"));
  expect(topology.get(0)?.links.get(1)).toBe("NV2");
  expect(topology.get(0)).toMatchObject({ cpuAffinity: "0-23" });
  expect(topology.get(0)).not.toHaveProperty("numaNode");
});

test("adapters have their names from the legend; the nearest are those that are as near as any", () => {
  const text = [
    "\t\u001b[4mGPU0\tGPU1\tNIC0\tNIC1\tmlx5_9\tCPU Affinity\tNUMA Affinity\u001b[0m",
    "GPU0\t X \tPHB\tPIX\tSYS\tPIX\t0-7\t0-1",
    "GPU1\tPHB\t X \tSYS\tN/A\tSYS\tN/A\tN/A",
    "NIC0\tPIX\tSYS\t X \tSYS\tSYS",
    "",
    "NIC Legend:",
    "",
    "  NIC0: mlx5_0",
    "  NIC1: mlx5_1",
  ].join("\n");
  const topology = parseTopology(text);
  const [first, second] = [topology.get(0), topology.get(1)];
  expect(first && nearestNics(first)).toEqual(["mlx5_0", "mlx5_9"]);
  expect(second && nearestNics(second)).toEqual([]);
  expect(first).not.toHaveProperty("numaNode");
  expect(second).not.toHaveProperty("cpuAffinity");
});

test.each([
  "",
  "No devices were found\n",
  "ERROR: Option -m is missing its value. Please run 'nvidia-smi -h' for help.\n",
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
])("no matrix: %j", (text) => {
  expect(parseTopology(text).size).toBe(0);
});

test("whatever is broken in it, it is read without an exception and says no word that is none", () => {
  const text = recorded("constructed-8x-h100-topo-m.txt");
  const mutation = fc.record({ at: fc.nat(text.length), drop: fc.nat(40), put: fc.string({ maxLength: 10 }) });
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 6 }), (mutations) => {
      const broken = mutations.reduce((all, { at, drop, put }) => all.slice(0, at) + put + all.slice(at + drop), text);
      for (const { links } of parseTopology(broken).values()) {
        for (const word of links.values()) expect(word).toMatch(/^(?:X|NV\d+|NVB|PIX|PXB|PHB|NODE|SYS|SOC|C2C)$/);
      }
    }),
  );
});
