import { type AttemptUsage, AttemptUsageSchema, type GpuUsage } from "../../shared/gen/stoker/v1/history_pb.js";
import { efficiencyLines } from "./efficiency.js";
import { toJson } from "./json.js";
import { plain } from "./plain.js";
import { sparkline } from "./sparkline.js";
import { table } from "./table.js";
import { shortTime } from "./time.js";
import { findingLines } from "./views/findings.js";

export const jobUsageJson = (usage: AttemptUsage) => toJson(plain(AttemptUsageSchema, usage));

/** What an attempt made of its GPUs, a line for each, and what could be better. */
export function jobUsage(usage: AttemptUsage): string {
  const { attempt, from, to, gpus, findings } = usage;
  const lines = [`Attempt ${attempt}, ${shortTime(from)} to ${shortTime(to)}\n`];
  if (gpus.length === 0) lines.push("It held no GPUs.\n");
  else {
    const rows = gpus.map((gpu) => [
      ...[gpu.nodeName, String(gpu.index), percent(gpu.utilizationPercent), percent(gpu.idlePercent)],
      memory(gpu.memoryMostBytes, gpu.memoryBytes),
      gpu.powerWatts === undefined ? "" : `${Math.round(gpu.powerWatts)} W`,
      course(gpu, "utilization_percent", 100),
      course(gpu, "memory_used_bytes", Number(gpu.memoryBytes)),
      course(gpu, "power_watts"),
    ]);
    const curves = ["Use over time", "Memory over time", "Power over time"];
    lines.push(table(["Node", "GPU", "Used", "Idle", "Memory at most", "Power", ...curves], rows));
  }
  const told = [...efficiencyLines(usage), ...findingLines(findings).map(([kind, text]) => `${kind} ${text}`)];
  if (told.length > 0) lines.push(`\n${told.map((sentence) => `- ${sentence}\n`).join("")}`);
  return lines.join("");
}

/** `full`: what fills a block; the highest value otherwise. */
function course({ history }: GpuUsage, name: string, full = 0): string {
  const means = history?.series.find((series) => series.name.endsWith(name))?.means ?? [];
  const most = full > 0 ? full : Math.max(...means.filter((value) => !Number.isNaN(value)));
  return sparkline(means, most, 24);
}

const percent = (value: number | undefined) => (value === undefined ? "" : `${Math.round(value)} %`);

const gib = 2 ** 30;

function memory(most: bigint | undefined, all: bigint): string {
  if (most === undefined) return "";
  const used = (Number(most) / gib).toFixed(1);
  return all === 0n ? `${used} GiB` : `${used} of ${(Number(all) / gib).toFixed(0)} GiB`;
}
