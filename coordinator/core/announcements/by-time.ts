import type { SubscriptionId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import { explain } from "../explain.js";
import type { World } from "../memory.js";
import { allocationOf } from "../scaling/allocation.js";
import type { Instant } from "../state.js";
import { dropOld } from "./announce.js";
import { tellOfCluster } from "./of-cluster.js";
import { seconds, tellOfJob } from "./of-job.js";

/** What waits is looked over so often. */
const scanMs = 30_000;
/** After a start: what has waited for too long since then was perhaps not told of yet. Ids that are still known are not told twice. */
const lookBackMs = 86_400_000;
/** Of one queue at a time: what waits behind these waits with them. */
const jobsMax = 10;

/** `tickedAt`: of the tick before; undefined at a start. */
export function announceByTime(draft: Draft, tickedAt: Instant | undefined): void {
  const { now, world } = draft;
  const scanned = tickedAt === undefined ? now - lookBackMs : tickedAt - (tickedAt % scanMs);
  const until = now - (now % scanMs);
  if (until <= scanned) return;
  dropOld(draft);
  forgetGone(draft);
  const came = (since: Instant) => {
    const due = since + world.settings.waitingLongMs;
    return due > scanned && due <= until;
  };
  for (const cluster of world.clusters.values()) {
    const allocation = world.index.allocations.get(cluster.uuid);
    if (allocation && allocation.missing > 0 && came(allocation.since)) {
      const { missing, shortage } = allocationOf(world, cluster);
      const words = `is short of ${missing} ${missing === 1 ? "node" : "nodes"}: ${shortage}`;
      tellOfCluster(draft, cluster, "cluster-short", String(allocation.since), words, { missing, reason: shortage });
    }
    let told = 0;
    for (const uuid of world.index.queue.get(cluster.uuid)?.values() ?? []) {
      const job = world.jobs.get(uuid);
      if (job?.state.kind !== "queued" || !came(job.state.since)) continue;
      if (told >= jobsMax) break;
      told += 1;
      const { summary: reason } = explain(world, job, now);
      const waitedSeconds = seconds(now - job.state.since);
      const words = `has waited for ${Math.round(waitedSeconds / 60)} minutes: ${reason}`;
      tellOfJob(draft, job, "job-waiting", `${uuid}.${job.state.since}`, words, { reason, waitedSeconds });
    }
  }
}

/** Subscriptions to what is gone will never get anything more than what they still wait for. */
function forgetGone(draft: Draft): void {
  const { world } = draft;
  for (const subscription of [...world.subscriptions.values()]) {
    const { uuid, workspace, experiment, job } = subscription;
    const gone =
      (workspace !== undefined && !world.workspaces.has(workspace)) ||
      (experiment !== undefined && !world.experiments.has(experiment)) ||
      (job !== undefined && !world.jobs.has(job));
    if (gone && !waitsForMore(world, uuid)) draft.delete("subscription", uuid);
  }
}

function waitsForMore(world: World, uuid: SubscriptionId): boolean {
  for (const { pending } of world.outgoing.values()) if (pending.includes(uuid)) return true;
  return false;
}
