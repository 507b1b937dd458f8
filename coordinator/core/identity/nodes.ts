import { Fault } from "../../../shared/fault.js";
import { isConnected } from "../cluster.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import { findNode, nodeNamed } from "../names.js";
import { vacate } from "../vacate.js";
import type { NodeJoin } from "./events.js";
import type { JoinToken } from "./identity.js";
import { usableToken } from "./tokens.js";

/** Before a certificate is made, and again when it is written down: two machines may ask at once. */
export function admitJoin(world: World, join: NodeJoin, now: number): JoinToken {
  const { name } = join;
  const token = usableToken(world.joinTokens, join, now);
  if (!/^[A-Za-z0-9][-.\w]{0,254}$/.test(name)) {
    throw new Fault("invalid-argument", `"${name.slice(0, 80)}" can't be a node's name: give another with --name`);
  }
  const before = world.nodeIdentities.get(name);
  if (before?.revokedAt === undefined) {
    if (before && !token.replaces) {
      throw new Fault(
        "already-exists",
        `a machine has joined as ${name} already: give another --name, or run \`stoker node remove ${name}\` first, or join with a token of \`stoker node token create --replace\``,
      );
    }
  } else if (nodeNamed(world, name)) {
    throw new Fault(
      "failed-precondition",
      `${name} is being removed still: try again when it is gone from stoker node list`,
    );
  }
  // They would be one in the subjects of NATS, where each may publish its own logs alone.
  const subject = subjectOf(name);
  for (const other of world.nodeIdentities.values()) {
    if (other.name !== name && other.revokedAt === undefined && subjectOf(other.name) === subject) {
      throw new Fault(
        "already-exists",
        `"${name}" differs from node ${other.name} by a dot alone: give another --name`,
      );
    }
    // There each key is one node's.
    if (other.name !== name && other.revokedAt === undefined && other.natsKey === join.natsKey) {
      throw new Fault("already-exists", "another machine has joined with this key for NATS: each makes its own");
    }
  }
  return token;
}

const subjectOf = (name: string) => name.replaceAll(".", "_");

export function joinNode(draft: Draft, join: NodeJoin): string {
  const token = admitJoin(draft.world, join, draft.now);
  const { name, keyHash, natsKey } = join;
  draft.put("join-token", { ...token, used: token.used + 1 });
  draft.put("node-identity", { name, keyHash, natsKey, joinedAt: draft.now, token: token.uuid });
  // One that had this name, if any, is another machine.
  draft.order({ kind: "identity-changed", node: name });
  return name;
}

/**
 * Nobody with its key is let in from now on. Its jobs go on elsewhere when nothing of them can run there any more: a machine that was removed
 * may not hear of it, and then it is lost by its silence.
 */
export function removeNode(draft: Draft, id: string, by: string): string {
  const node = findNode(draft.world, id);
  const identity = draft.world.nodeIdentities.get(node.name);
  if (!identity) {
    throw new Fault(
      "failed-precondition",
      `${id} has not joined, so it has no certificate: stop its agent, then run stoker node delete`,
    );
  }
  if (identity.revokedAt !== undefined) return node.uuid;
  draft.put("node-identity", { ...identity, revokedAt: draft.now });
  const reason = `the node was removed by ${by}`;
  draft.put("node", { ...node, drained: { reason, since: draft.now, reclaimed: true } });
  vacate(draft, node, "requeue", `node ${node.name} was removed`, { graceSeconds: 0 });
  draft.order({ kind: "identity-changed", node: node.name });
  draft.membershipStale = true;
  return node.uuid;
}

/** Those that were removed and hold nothing any more. */
export function forgetRemoved(draft: Draft): void {
  const { world } = draft;
  for (const { name, revokedAt } of world.nodeIdentities.values()) {
    const node = revokedAt === undefined ? undefined : nodeNamed(world, name);
    if (!node || isConnected(world, node)) continue;
    if (world.index.usage.get(node.uuid)?.holders.some(({ zombie }) => !zombie)) continue;
    draft.delete("node", node.uuid);
    draft.membershipStale = true;
  }
}
