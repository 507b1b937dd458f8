import { byLabel, type Family, gauge, labels, type Sample } from "../../shared/metrics/family.js";
import { suspected } from "../core/gang-watch/findings.js";
import type { FindingKind } from "../core/gang-watch/gang.js";
import type { World } from "../core/memory.js";
import { idOfCluster } from "../core/names.js";
import type { Cluster, Instant, Job } from "../core/state.js";
import type { CoordinatorView } from "./view.js";

const stateOf = ({ state }: Job) => (state.kind === "finished" ? state.outcome.kind : state.kind);

export function jobFamilies({ engine }: CoordinatorView): Family[] {
  const world = engine.state;
  const now = engine.now();
  const states: Record<ReturnType<typeof stateOf>, number> = {
    ...{ queued: 0, preparing: 0, running: 0, stopping: 0, succeeded: 0, failed: 0, terminated: 0 },
  };
  const suspects: Record<FindingKind, number> = { hang: 0, straggler: 0, idle: 0 };
  for (const job of world.jobs.values()) {
    states[stateOf(job)] += 1;
    for (const kind of suspected(job)) suspects[kind] += 1;
  }
  const queued: Sample[] = [];
  const waits: Sample[] = [];
  for (const cluster of world.clusters.values()) {
    const text = labels({ cluster: idOfCluster(world, cluster) });
    queued.push({ labels: text, value: world.index.queue.get(cluster.uuid)?.size ?? 0 });
    waits.push({ labels: text, value: oldestWaitMs(world, cluster, now) / 1000 });
  }
  const leases = { live: 0, zombie: 0 };
  for (const { holders } of world.index.usage.values()) {
    for (const { zombie } of holders) leases[zombie ? "zombie" : "live"] += 1;
  }
  return [
    gauge(
      "stoker_jobs",
      "Jobs of the catalog by state: queued, preparing, running, stopping, succeeded, failed or terminated",
      byLabel("state", Object.entries(states)),
    ),
    gauge(
      "stoker_jobs_suspected",
      "Running jobs that seem to hang, to wait for one GPU (straggler), or to hold GPUs that they do not use (idle)",
      byLabel("kind", Object.entries(suspects)),
    ),
    gauge("stoker_queue_jobs", "Jobs that wait for each cluster", queued),
    gauge(
      "stoker_queue_oldest_wait_seconds",
      "Time that the job which waits longest has waited for each cluster",
      waits,
    ),
    gauge(
      "stoker_leases",
      "Leases that nodes hold, one for each node of an attempt: live, or zombie where the attempt went on without the node",
      byLabel("kind", Object.entries(leases)),
    ),
  ];
}

function oldestWaitMs(world: World, cluster: Cluster, now: Instant): number {
  let since = now;
  for (const uuid of world.index.queue.get(cluster.uuid)?.values() ?? []) {
    since = Math.min(since, world.jobs.get(uuid)?.state.since ?? now);
  }
  return now - since;
}
