import type { GpuTelemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import { type Family, gauge, labels } from "../../shared/metrics/family.js";
import { type GpuSeen, gpuFamilies } from "../../shared/metrics/gpu-families.js";
import { isOutOfService } from "../core/gpu-faults.js";
import { conditionsOf } from "../core/health/conditions.js";
import { nothingUsed } from "../core/usage.js";
import type { CoordinatorView } from "./view.js";

export function clusterGpuFamilies({ engine, sessions }: CoordinatorView): Family[] {
  const world = engine.state;
  const seen: GpuSeen[] = [];
  let taken = 0;
  let outOfService = 0;
  for (const node of world.nodes.values()) {
    const { gpus } = node.inventory;
    if (gpus.length === 0) continue;
    const name = labels({ node: node.name });
    const usage = world.index.usage.get(node.uuid) ?? nothingUsed;
    const faults = new Map(conditionsOf(world, node).map((fault) => [fault.uuid, fault]));
    const telemetry = sessions.reaches(node.name) ? sessions.telemetry(node.name) : undefined;
    const measured = new Map<string, GpuTelemetry>(telemetry?.gpus.map((gpu) => [gpu.uuid, gpu]));
    for (const { uuid, index, model, memoryBytes } of gpus) {
      const fault = faults.get(uuid);
      if (usage.whole || usage.gpuUuids.has(uuid)) taken += 1;
      if (node.lost || (fault && isOutOfService(fault))) outOfService += 1;
      seen.push({
        labels: `${name},${labels({ gpu: String(index), uuid })}`,
        state: fault?.state ?? "healthy",
        telemetry: measured.get(uuid),
        ...{ model, memoryBytes },
      });
    }
  }
  return [
    gauge("stoker_gpus", "GPUs that nodes offer", seen.length),
    gauge("stoker_gpus_taken", "GPUs that leases hold", taken),
    gauge(
      "stoker_gpus_out_of_service",
      "GPUs that get no work for their own or their node's sake: failed, draining, or on a lost node",
      outOfService,
    ),
    ...gpuFamilies("stoker_gpu", seen),
  ];
}
