import type { GpuTelemetry } from "../gen/stoker/v1/node_pb.js";
import { type Family, gauge, labels, type Sample } from "./family.js";

/** A GPU as it is scraped. */
export interface GpuSeen {
  /** That tell it from every other: of a site on the coordinator, of the machine on its agent. */
  readonly labels: string;
  readonly model: string;
  readonly state: string;
  readonly memoryBytes: number;
  /** Absent when nothing is measured now: an old value would look like a new one. */
  readonly telemetry: GpuTelemetry | undefined;
}

/** `prefix`: of the names, such as `stoker_gpu`. Each GPU costs seven series at most. */
export function gpuFamilies(prefix: string, gpus: readonly GpuSeen[]): Family[] {
  const measured = (read: (telemetry: GpuTelemetry) => number | bigint | undefined, scale = 1): Sample[] => {
    const samples: Sample[] = [];
    for (const { labels: text, telemetry } of gpus) {
      const value = telemetry && read(telemetry);
      if (value !== undefined) samples.push({ labels: text, value: Number(value) / scale });
    }
    return samples;
  };
  const named = (label: "model" | "state") => {
    const texts = new Map<string, string>();
    const textOf = (value: string) => {
      const text = texts.get(value) ?? labels({ [label]: value });
      texts.set(value, text);
      return text;
    };
    return gpus.map((gpu) => ({ labels: `${gpu.labels},${textOf(gpu[label])}`, value: 1 }));
  };
  return [
    gauge(`${prefix}_info`, "Each GPU that is offered, with its model; always 1", named("model")),
    gauge(
      `${prefix}_state`,
      "1 for the state that each GPU is in: healthy, suspect, draining or failed; the others are left out",
      named("state"),
    ),
    gauge(
      `${prefix}_memory_bytes`,
      "Memory of each GPU",
      gpus.map((gpu) => ({ labels: gpu.labels, value: gpu.memoryBytes })),
    ),
    gauge(
      `${prefix}_memory_used_bytes`,
      "Memory of each GPU that is in use",
      measured(({ memoryUsedBytes }) => memoryUsedBytes),
    ),
    gauge(
      `${prefix}_utilization_ratio`,
      "Part of the last sample during which each GPU ran a kernel, 0 to 1",
      measured(({ utilizationPercent }) => utilizationPercent, 100),
    ),
    gauge(
      `${prefix}_temperature_celsius`,
      "Temperature of each GPU",
      measured(({ temperatureCelsius }) => temperatureCelsius),
    ),
    gauge(
      `${prefix}_power_watts`,
      "Power that each GPU draws",
      measured(({ powerWatts }) => powerWatts),
    ),
  ];
}
