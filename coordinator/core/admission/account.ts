import { Fault } from "../../../shared/fault.js";
import type { World } from "../memory.js";
import { submitterOf, withoutAccountThere } from "../owner.js";
import type { Job } from "../state.js";

/** Refuses a job whose user has no account on any machine of its cluster, as all of them have found out before: it would be tried in vain on each. */
export function refuseWithoutAccount(world: World, job: Pick<Job, "submittedBy" | "request">): void {
  const { cluster } = job.request;
  let first: { name: string; reason: string } | undefined;
  for (const uuid of world.index.nodesOfCluster.get(cluster)?.values() ?? []) {
    const node = world.nodes.get(uuid);
    const reason = withoutAccountThere(world.liveness.get(uuid)?.owner, job);
    if (!node || reason === undefined) return;
    first ??= { name: node.name, reason };
  }
  if (!first) return;
  const who = submitterOf(job) === "" ? "the coordinator's own token" : submitterOf(job);
  const where = world.clusters.get(cluster)?.name ?? "the cluster";
  throw new Fault(
    "failed-precondition",
    `no machine of cluster ${where} has an account for jobs of ${who}; on ${first.name}: ${first.reason}`,
  );
}
