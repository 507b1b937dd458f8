import { counter, type Family, gauge, labels, type Sample } from "../../shared/metrics/family.js";
import { gpuFamilies } from "../../shared/metrics/gpu-families.js";
import { hostFamilies } from "../../shared/metrics/host-families.js";
import type { AgentView } from "./view.js";

export function nodeGpuFamilies({ gpus, gpuFaults, gpusProblem, telemetry, smiRuns }: AgentView): Family[] {
  const faults = new Map(gpuFaults.map((fault) => [fault.uuid, fault]));
  const measured = new Map(telemetry?.gpus.map((gpu) => [gpu.uuid, gpu]));
  const seen = gpus.map(({ uuid, index, model, memoryBytes }) => ({
    labels: labels({ gpu: String(index), uuid }),
    state: faults.get(uuid)?.state ?? "healthy",
    memoryBytes: Number(memoryBytes),
    telemetry: measured.get(uuid),
    model,
  }));
  return [
    gauge(
      "stoker_agent_gpus_known",
      "0 while nvidia-smi has failed so often that nobody knows how the GPUs are",
      Number(gpusProblem === ""),
    ),
    ...gpuFamilies("stoker_agent_gpu", seen),
    ...hostFamilies("stoker_agent", telemetry?.host ? [{ labels: "", host: telemetry.host }] : []),
    ...smiFamilies(smiRuns),
  ];
}

function smiFamilies(runs: AgentView["smiRuns"]): Family[] {
  const durations: Sample[] = [];
  const failures: Sample[] = [];
  for (const [query, tally] of Object.entries(runs)) {
    const text = labels({ query });
    durations.push({ labels: text, value: tally.seconds, suffix: "_sum" });
    durations.push({ labels: text, value: tally.count, suffix: "_count" });
    for (const [kind, value] of tally.failures) failures.push({ labels: labels({ query, kind }), value });
  }
  return [
    {
      ...{ name: "stoker_agent_nvidia_smi_duration_seconds", type: "summary", samples: durations },
      help: "Time that runs of nvidia-smi took, failed ones too, by query: sample or full",
    },
    counter("stoker_agent_nvidia_smi_failures_total", "Runs of nvidia-smi that failed, by query and kind", failures),
  ];
}
