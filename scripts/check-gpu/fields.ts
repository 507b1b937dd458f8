import type { SmiGpu } from "../../agent/core/health/smi-gpu.js";
import { busId } from "../../agent/telemetry/smi/bus-id.js";
import { bytesOf, numberOf, wordOf, yesNo } from "../../agent/telemetry/smi/value.js";

type Value = string | number | boolean | undefined;

/** One thing that nvidia-smi tells in two ways. */
export interface ComparedField {
  /** As --query-gpu calls it. */
  name: string;
  ofCell(cell: string): Value;
  ofGpu(gpu: SmiGpu): Value;
  /** It changes from one moment to the next: by so much at most, or by any amount. */
  within?: number;
}

const gigabyte = 2 ** 30;

export const comparedFields: readonly ComparedField[] = [
  { name: "uuid", ofCell: wordOf, ofGpu: ({ uuid }) => uuid },
  { name: "name", ofCell: wordOf, ofGpu: ({ name }) => name },
  { name: "pci.bus_id", ofCell: busId, ofGpu: (gpu) => gpu.busId },
  { name: "memory.total", ofCell: bytesOf, ofGpu: ({ memory }) => memory.totalBytes },
  { name: "memory.reserved", ofCell: bytesOf, ofGpu: ({ memory }) => memory.reservedBytes, within: gigabyte },
  { name: "memory.used", ofCell: bytesOf, ofGpu: ({ memory }) => memory.usedBytes, within: gigabyte },
  { name: "utilization.gpu", ofCell: numbered("%"), ofGpu: (gpu) => gpu.utilizationPercent, within: 100 },
  { name: "temperature.gpu", ofCell: numbered("C"), ofGpu: ({ temperature }) => temperature.celsius, within: 5 },
  {
    name: "temperature.memory",
    ofCell: numbered("C"),
    ofGpu: ({ temperature }) => temperature.memoryCelsius,
    within: 5,
  },
  { name: "power.draw", ofCell: numbered("W"), ofGpu: ({ power }) => power.drawWatts, within: 150 },
  { name: "power.limit", ofCell: numbered("W"), ofGpu: ({ power }) => power.limitWatts, within: 1 },
  { name: "clocks.sm", ofCell: numbered("MHz"), ofGpu: ({ clocks }) => clocks.smMhz, within: 3_000 },
  { name: "clocks.mem", ofCell: numbered("MHz"), ofGpu: ({ clocks }) => clocks.memoryMhz, within: 20_000 },
  { name: "clocks.max.sm", ofCell: numbered("MHz"), ofGpu: ({ clocks }) => clocks.smMostMhz },
  { name: "pstate", ofCell: wordOf, ofGpu: (gpu) => gpu.performanceState, within: Number.POSITIVE_INFINITY },
  { name: "pcie.link.width.current", ofCell: numbered(""), ofGpu: ({ link }) => link.width, within: 16 },
  { name: "pcie.link.width.max", ofCell: numbered(""), ofGpu: ({ link }) => link.widthMost },
  { name: "pcie.link.gen.current", ofCell: numbered(""), ofGpu: ({ link }) => link.generation, within: 6 },
  { name: "pcie.link.gen.max", ofCell: numbered(""), ofGpu: ({ link }) => link.generationMost },
  { name: "mig.mode.current", ofCell: yesNo, ofGpu: ({ mig }) => mig.enabled },
  { name: "compute_mode", ofCell: wordOf, ofGpu: (gpu) => gpu.computeMode },
  { name: "persistence_mode", ofCell: yesNo, ofGpu: (gpu) => gpu.persistence },
  { name: "ecc.mode.current", ofCell: yesNo, ofGpu: ({ ecc }) => ecc.enabled },
];

function numbered(unit: string): (cell: string) => number | undefined {
  return (cell) => numberOf(cell, unit);
}

/** Pure. In words, what is different; undefined when both say the same, or both say nothing. */
export function difference({ ofCell, ofGpu, within }: ComparedField, cell: string, gpu: SmiGpu): string | undefined {
  const [one, other] = [ofCell(cell), ofGpu(gpu)];
  const same = one === other || (isNear(one, other, within) && (one === undefined) === (other === undefined));
  return same ? undefined : `${JSON.stringify(cell)} in --query-gpu is ${String(one)}, and ${String(other)} in -q -x`;
}

function isNear(one: Value, other: Value, within: number | undefined): boolean {
  if (within === undefined) return false;
  return typeof one === "number" && typeof other === "number"
    ? Math.abs(one - other) <= within
    : within === Number.POSITIVE_INFINITY;
}
