import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { AttemptUsage } from "../../shared/gen/stoker/v1/history_pb.js";

const hourMs = 3_600_000;

/** What an attempt made of its GPUs, in a line; and advice, each sentence a line. Nothing where nothing was held or measured. */
export function efficiencyLines({ from, to, gpus, advice }: AttemptUsage): string[] {
  const known = gpus.filter(({ utilizationPercent }) => utilizationPercent !== undefined);
  if (known.length === 0) return [];
  const lastedMs = from && to ? timestampMs(to) - timestampMs(from) : 0;
  const used = mean(known.map(({ utilizationPercent = 0 }) => utilizationPercent));
  const idle = mean(known.map(({ idlePercent = 0 }) => idlePercent));
  const idleHours = (known.length * lastedMs * idle) / 100 / hourMs;
  const fullest = known.reduce(
    (most, { memoryMostBytes = 0n, memoryBytes }) => Math.max(most, part(memoryMostBytes, memoryBytes)),
    0,
  );
  const parts = [
    `${gpus.length} ${gpus.length === 1 ? "GPU" : "GPUs"} ${Math.round(used)} % busy`,
    `idle ${Math.round(idle)} % of the time${idleHours >= 0.1 ? ` (${idleHours.toFixed(1)} GPU hours)` : ""}`,
    fullest > 0 ? `memory full to ${Math.round(100 * fullest)} % at most` : "",
  ];
  return [parts.filter((text) => text !== "").join(", "), ...advice];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const part = (used: bigint, all: bigint) => (all === 0n ? 0 : Number(used) / Number(all));
