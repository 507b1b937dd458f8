import type { Draft } from "../draft.js";
import { leaseOf } from "../indexes.js";
import { excuse, shareEnded, stop } from "../job.js";
import type { Job, Node } from "../state.js";
import { failedByMachine } from "../verdict.js";

/**
 * The node no longer knows of a lease that it was given. Had it not answered to it yet, nothing was lost and the grant is sent again, unless
 * the machine was started anew in between; otherwise the attempt is over there.
 */
export function shareVanished(draft: Draft, job: Job, node: Node, bootChanged: boolean): void {
  const lease = leaseOf(job);
  const share = lease?.shares.find((candidate) => candidate.node === node.uuid);
  if (!share) return;
  const neverAnswered = share.phase === "granted" && share.reportSequence === 0;
  if (neverAnswered && !bootChanged && job.state.kind !== "stopping") return;
  const message = bootChanged
    ? `node ${node.name} was started anew while the job ran on it`
    : `node ${node.name} no longer holds the attempt`;
  const fault = { code: "NodeRestarted", message, details: [] };
  // Its share first, so that nobody is told to stop what it does not have.
  const without = shareEnded(draft, bootChanged ? excuse(draft, job, node.uuid, fault) : job, node.uuid, "done");
  if (job.state.kind === "stopping") return;
  const { job: judged, verdict } = failedByMachine(without, node.uuid, fault, "lost");
  stop(draft, judged, verdict);
}
