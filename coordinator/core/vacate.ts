import type { Draft } from "./draft.js";
import { leaseOf } from "./indexes.js";
import { stop } from "./job.js";
import type { Cluster, Node, Verdict } from "./state.js";
import { nothingUsed } from "./usage.js";
import { outOfPlace, preempted } from "./verdict.js";

/** What becomes of the jobs on a node that is to be empty: Batch AI's nodeDeallocationOption. */
export type Deallocation = "requeue" | "terminate" | "waitforjobcompletion";

/** A cluster that scales by itself gives up busy nodes only when its bound was lowered: it lets their jobs end. */
export function deallocationOf({ spec }: Cluster): Deallocation {
  const { manual } = spec.scaleSettings ?? {};
  if (!manual) return "waitforjobcompletion";
  const word = manual.nodeDeallocationOption.toLowerCase();
  return word === "terminate" || word === "waitforjobcompletion" ? word : "requeue";
}

export function vacate(
  draft: Draft,
  node: Node,
  option: Deallocation,
  reason: string,
  grace: Pick<Verdict, "graceSeconds"> = {},
): void {
  if (option === "waitforjobcompletion") return;
  const { holders } = draft.world.index.usage.get(node.uuid) ?? nothingUsed;
  for (const { job: uuid, lease, zombie } of holders) {
    const job = draft.world.jobs.get(uuid);
    if (!job || zombie || leaseOf(job)?.id !== lease) continue;
    const { job: judged, verdict } = option === "terminate" ? outOfPlace(job, reason) : preempted(job, reason);
    stop(draft, judged, { ...verdict, ...grace });
  }
}
