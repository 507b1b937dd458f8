import { Fault } from "../../../shared/fault.js";
import { admitCount } from "../admission/fields.js";
import { isConnected } from "../cluster.js";
import type { Draft } from "../draft.js";
import { serversOn } from "../file-servers/place.js";
import { findNode, idOfFileServer, idOfNode } from "../names.js";
import { isSilent, lose } from "../node.js";
import { isAwaited } from "../restored.js";
import { vacate } from "../vacate.js";

/** A day: longer is a drain. */
const graceMaxSeconds = 86_400;

/** No new work; what runs goes on. */
export function drainNode(draft: Draft, id: string, reason: string): string {
  const node = findNode(draft.world, id);
  draft.put("node", {
    ...node,
    drained: { ...node.drained, reason: reason.slice(0, 1000), since: node.drained?.since ?? draft.now },
  });
  draft.nodeChanged(node.uuid);
  return node.uuid;
}

/**
 * Its owner wants it back: what runs there is asked to end, is killed after a grace, and is queued again; and no cluster has it until it is
 * resumed.
 */
export function reclaimNode(
  draft: Draft,
  { id, reason, graceSeconds }: { id: string; reason: string; graceSeconds?: number },
): string {
  if (graceSeconds !== undefined) admitCount("graceSeconds", graceSeconds, 0, graceMaxSeconds);
  const node = findNode(draft.world, id);
  const since = node.drained?.since ?? draft.now;
  draft.put("node", { ...node, drained: { reason: reason.slice(0, 1000), since, reclaimed: true } });
  draft.nodeChanged(node.uuid);
  const grace = graceSeconds === undefined ? {} : { graceSeconds };
  vacate(draft, node, "requeue", `node ${node.name} was reclaimed by its owner`, grace);
  draft.membershipStale = true;
  return node.uuid;
}

export function resumeNode(draft: Draft, id: string): string {
  const { drained, ...node } = findNode(draft.world, id);
  if (!drained) return node.uuid;
  draft.put("node", node);
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
  // A reclaimed one may join a cluster again.
  draft.membershipStale = true;
  return node.uuid;
}

/** A person has seen that the machine is off, which silence alone does not prove. */
export function declareNodeLost(draft: Draft, id: string): string {
  const node = findNode(draft.world, id);
  if (node.lost && !isAwaited(draft.world, node)) return node.uuid;
  if (!isSilent(draft.world, node, draft.now)) {
    throw new Fault(
      "failed-precondition",
      `${idOfNode(node)} was heard a moment ago: it is not off; to take it from its jobs, drain or reclaim it`,
    );
  }
  lose(draft, node);
  return node.uuid;
}

/** Forgets a machine that is gone. What it held is given up, so it must be gone for good or lost already. */
export function deleteNode(draft: Draft, id: string): string {
  const node = findNode(draft.world, id);
  if (isConnected(draft.world, node)) {
    throw new Fault("failed-precondition", `the agent of ${idOfNode(node)} is connected: stop it first`);
  }
  const [server] = serversOn(draft.world, node);
  if (server) {
    throw new Fault(
      "failed-precondition",
      `${idOfNode(node)} serves ${idOfFileServer(draft.world, server)}: delete that first`,
    );
  }
  const holders = draft.world.index.usage.get(node.uuid)?.holders ?? [];
  if (holders.some(({ zombie }) => !zombie)) {
    throw new Fault(
      "failed-precondition",
      `${idOfNode(node)} holds a lease: wait until it is lost or its jobs have ended; when you see that it is off, declare it lost`,
    );
  }
  draft.delete("node", node.uuid);
  if (draft.world.nodeHealth.has(node.uuid)) draft.delete("node-health", node.uuid);
  draft.membershipStale = true;
  return node.uuid;
}
