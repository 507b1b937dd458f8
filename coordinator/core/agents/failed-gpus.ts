import type { Draft } from "../draft.js";
import type { GpuFault } from "../gpu-faults.js";
import { leaseOf } from "../indexes.js";
import { stop } from "../job.js";
import type { Node } from "../state.js";
import { nothingUsed } from "../usage.js";
import { failedByMachine } from "../verdict.js";

/** A program on a GPU that is gone may wait for it for ever: what holds a failed one is ended, and tried elsewhere. */
export function endOnFailed(draft: Draft, node: Node, faults: readonly GpuFault[]): void {
  const failed = faults.filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  for (const { job: uuid, held, zombie, lease } of (draft.world.index.usage.get(node.uuid) ?? nothingUsed).holders) {
    const fault = failed.find((each) => held.gpuUuids.includes(each.uuid));
    const job = draft.world.jobs.get(uuid);
    if (!fault || zombie || !job || leaseOf(job)?.id !== lease || job.state.kind === "stopping") continue;
    const told = { code: "GpuFailed", message: `on node ${node.name}: ${fault.message}`, details: [] };
    const details = [
      { name: "node", value: node.name },
      { name: "gpu", value: fault.uuid },
      { name: "rule", value: fault.rule },
    ];
    const { job: judged, verdict } = failedByMachine(job, node.uuid, { ...told, details }, "failed");
    stop(draft, judged, verdict);
  }
}
