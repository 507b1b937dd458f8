import type { Draft } from "./draft.js";
import { dropWithdrawn } from "./file-servers/exports.js";
import { forgetRemoved } from "./identity/nodes.js";
import { leaseOf } from "./indexes.js";
import { stop } from "./job.js";
import { isSilent, lose } from "./node.js";
import { isAwaited } from "./restored.js";
import { outOfTime } from "./verdict.js";
import { withheld } from "./witnesses/quorum.js";

/** What comes by time alone. Looks at everything, and takes no hint of what changed. */
export function tick(draft: Draft): void {
  keepClock(draft);
  loseTheSilent(draft);
  endTheOverdue(draft);
  dropWithdrawn(draft);
  forgetRemoved(draft);
  draft.membershipStale = true;
  for (const cluster of draft.world.clusters.keys()) draft.touched.add(cluster);
}

/**
 * A coordinator that was itself stopped for a while has unread heartbeats waiting: everybody gets the time again that a restart gives, before
 * silence counts.
 */
function keepClock(draft: Draft): void {
  const { tickedAt, graceUntil } = draft.world.clock;
  const { leaseTtlMs, marginMs } = draft.world.settings;
  const slept = draft.now - tickedAt > marginMs;
  const until = slept ? draft.now + leaseTtlMs + marginMs : graceUntil;
  draft.note({ kind: "ticked", at: draft.now, graceUntil: until });
}

function loseTheSilent(draft: Draft): void {
  const { world, now } = draft;
  for (const node of [...world.nodes.values()]) {
    // Its silence proves nothing to a restored catalog: it may obey the one that this is a copy of.
    if (isAwaited(world, node)) continue;
    if (!node.lost && isSilent(world, node, now) && !withheld(world, node, now)) lose(draft, node);
  }
}

function endTheOverdue(draft: Draft): void {
  const { world, now } = draft;
  for (const cluster of [...world.clusters.keys()]) {
    for (const uuid of world.index.active.get(cluster)?.values() ?? []) {
      const job = world.jobs.get(uuid);
      const lease = job && leaseOf(job);
      if (!job || !lease || job.state.kind === "stopping") continue;
      if (now - lease.grantedAt < job.request.wallClockMs) continue;
      const { job: judged, verdict } = outOfTime(job, lease);
      stop(draft, judged, verdict);
    }
  }
}
