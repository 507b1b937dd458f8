import type { LeaseId, NodeId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import { leaseOf } from "../indexes.js";
import { excuse, shareEnded, stop } from "../job.js";
import type { Missing } from "../liveness.js";
import type { World } from "../memory.js";
import { nodeNamed } from "../names.js";
import { releaseZombie } from "../node.js";
import { grantedByOriginal } from "../restored.js";
import type { Job, Node } from "../state.js";
import { type Holder, nothingUsed } from "../usage.js";
import { failedByMachine } from "../verdict.js";
import type { HeldId } from "./narrow.js";

const holdersOn = (draft: Draft, node: NodeId): readonly Holder[] =>
  (draft.world.index.usage.get(node) ?? nothingUsed).holders;

/**
 * What the node should hold but does not name in its hello. A grant that it never answered to is sent again, unless the machine was started
 * anew in between. Anything else may be gone; or else the hello was sent before the node was granted it, and was kept on its way by the network
 * until a later session had begun and ended. Only a heartbeat, which answers our Welcome, shows that the node still speaks by this session.
 */
export function missingOf(
  draft: Draft,
  node: Node,
  known: ReadonlySet<LeaseId>,
  bootChanged: boolean,
): Missing | undefined {
  const liveness = draft.world.liveness.get(node.uuid);
  // The session before this one did not last until its first heartbeat: what it found is still to be judged.
  const { missing: before } = liveness ?? {};
  const anew = bootChanged || (before?.bootChanged ?? false);
  const leases = holdersOn(draft, node.uuid).flatMap(({ lease, job: uuid, zombie }) => {
    const job = draft.world.jobs.get(uuid);
    return !known.has(lease) && (zombie || (job && !isGrantedAgain(draft.world, job, node, anew))) ? [lease] : [];
  });
  const lastWordAt = before ? before.lastWordAt : liveness?.heardAt;
  if (leases.length === 0) return undefined;
  return { leases, bootChanged: anew, ...(lastWordAt === undefined ? {} : { lastWordAt }) };
}

function isGrantedAgain(world: World, job: Job, node: Node, bootChanged: boolean): boolean {
  const lease = leaseOf(job);
  // The original of a restored catalog may have seen it end.
  if (!lease || grantedByOriginal(world, lease)) return false;
  const share = lease.shares.find((candidate) => candidate.node === node.uuid);
  return share?.phase === "granted" && share.reportSequence === 0 && !bootChanged && job.state.kind !== "stopping";
}

/** What the session's first heartbeat does not name either is over there. */
export function giveUpMissing(draft: Draft, node: Node, missing: Missing, held: readonly HeldId[]): void {
  const named = new Set(held.map(({ lease }) => lease));
  for (const { lease, job: uuid, zombie } of holdersOn(draft, node.uuid)) {
    if (!missing.leases.includes(lease) || named.has(lease)) continue;
    const job = draft.world.jobs.get(uuid);
    const now = nodeNamed(draft.world, node.name) ?? node;
    if (zombie) releaseZombie(draft, now, lease);
    else if (job) shareVanished(draft, job, now, missing);
  }
}

function shareVanished(draft: Draft, job: Job, node: Node, { bootChanged, lastWordAt }: Missing): void {
  const message = bootChanged
    ? `node ${node.name} was started anew while the job ran on it`
    : `node ${node.name} no longer holds the attempt`;
  const fault = { code: "NodeRestarted", message, details: [] };
  // Its share first, so that nobody is told to stop what it does not have.
  const excused = bootChanged ? excuse(draft, job, node.uuid, fault, lastWordAt) : job;
  const without = shareEnded(draft, excused, node.uuid, "done");
  if (job.state.kind === "stopping") return;
  const { job: judged, verdict } = failedByMachine(without, node.uuid, fault, "lost");
  stop(draft, judged, verdict);
}
