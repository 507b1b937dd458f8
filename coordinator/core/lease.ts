import { type LeaseId, leaseId, type NodeId } from "../../shared/ids.js";
import type { Draft } from "./draft.js";
import { gangOf, hostsOf } from "./grant/gang.js";
import { grantFor } from "./grant/grant.js";
import { isLive, leaseOf } from "./indexes.js";
import type { World } from "./memory.js";
import type { Placement } from "./placement.js";
import { nextAttempt } from "./restored.js";
import type { Instant, Job, Lease, RankExit, Share, Verdict } from "./state.js";
import { expandToolkit } from "./toolkits/index.js";
import type { Expansion } from "./toolkits/toolkit.js";

/**
 * An attempt's right to its nodes. Each share of it goes its own way:
 *
 *   granted ──(ready)──▶ ready ──(done)──▶ done
 *      ├─────────(done)──────────────────────▲
 *      └──(its node is lost)──▶ lost ◀──────── ready       what it may still hold is a zombie on the node
 */
export function newLease(world: World, job: Job, placement: Placement, now: Instant): Lease {
  const attempt = nextAttempt(world, job);
  const hosts = hostsOf(placement.places.map(({ node }) => node));
  const lease: Lease = {
    id: leaseId(job.uuid, attempt),
    attempt,
    grantedAt: now,
    shares: placement.places.map(({ node, held }, at) => ({
      node: node.uuid,
      nodeName: node.name,
      host: hosts[at] ?? node.name,
      held,
      phase: "granted",
      reportSequence: 0,
    })),
    rankCount: 0,
    exits: [],
    ...(placement.passedOver.length > 0 ? { passedOver: placement.passedOver } : {}),
  };
  return { ...lease, rankCount: expansionOf(job, lease).ranks.length };
}

/** Which processes there are, not where they meet. */
export const expansionOf = (job: Job, lease: Lease): Expansion => expandToolkit(job.spec, gangOf(job, lease, false));

export function withShare(lease: Lease, node: NodeId, change: Partial<Share>): Lease {
  return { ...lease, shares: lease.shares.map((share) => (share.node === node ? { ...share, ...change } : share)) };
}

export const withExit = (lease: Lease, exit: RankExit): Lease => ({ ...lease, exits: [...lease.exits, exit] });

export const isOver = (lease: Lease) => !lease.shares.some(isLive);
export const allReady = (lease: Lease) => lease.shares.every(({ phase }) => phase === "ready");

export function orderGrant(draft: Draft, job: Job, lease: Lease, share: Share): void {
  draft.order({ kind: "grant-lease", node: share.nodeName, grant: grantFor(draft.world, job, lease, share) });
}

/** A lease on one node starts by itself. */
export function orderStart(draft: Draft, lease: Lease, share: Share): void {
  if (lease.shares.length > 1) draft.order({ kind: "start-ranks", node: share.nodeName, lease: lease.id });
}

export function orderStop(draft: Draft, lease: Lease, verdict: Verdict): void {
  for (const share of lease.shares) if (isLive(share)) stopShare(draft, lease, share, verdict);
}

function stopShare(draft: Draft, { id: lease }: Lease, { nodeName: node }: Share, verdict: Verdict): void {
  const { reason, graceful, graceSeconds } = verdict;
  const grace = graceSeconds === undefined ? {} : { graceSeconds };
  draft.order({ kind: "stop-lease", node, lease, reason, graceful, ...grace });
}

/** Repeats what the node still has to be told for a lease that it may or may not know of yet. */
export function orderOutstanding(draft: Draft, job: Job, share: Share, known: boolean): void {
  const lease = leaseOf(job);
  if (!lease || !isLive(share)) return;
  if (!known) orderGrant(draft, job, lease, share);
  if (job.state.kind === "running") orderStart(draft, lease, share);
  if (job.state.kind === "stopping") stopShare(draft, lease, share, job.state.verdict);
}

export function shareOn(job: Job | undefined, lease: LeaseId, node: NodeId): Share | undefined {
  const held = job && leaseOf(job);
  return held?.id === lease ? held.shares.find((share) => share.node === node) : undefined;
}
