import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Node } from "../state.js";
import { chooseMembers, currentSet, nextVersion, sameMembers, type WitnessSet } from "./set.js";

/** Members come and go together after a start or a power cut: not each of them makes a set of its own. */
const betweenSetsInHeartbeats = 2;
/** A node that acknowledges none is sent no further ones: each that it may hold counts when it falls silent. */
const unacknowledgedMax = 8;

/** Makes a new set when the members change, gives it to everybody, and forgets the sets that nobody can hold any more. */
export function settleWitnesses(draft: Draft): void {
  const { world, now } = draft;
  const before = currentSet(world);
  // Nobody has had time to come back: who is silent now says nothing about who is fit.
  if (before && now < world.clock.graceUntil) return;
  const members = chooseMembers(world);
  const ttlMs = world.settings.leaseTtlMs;
  const same = before
    ? sameMembers(before.members, members) && before.ttlMs === ttlMs
    : members.length === 0 && !anyHeld(world);
  if (!same && !(before && now - before.madeAt < betweenSetsInHeartbeats * world.settings.heartbeatIntervalMs)) {
    const set: WitnessSet = { version: nextVersion(world, now), madeAt: now, ttlMs, members };
    draft.put("witness-set", set);
    for (const node of [...world.nodes.values()]) handOut(draft, node, set);
  }
  forgetUnheld(draft);
}

/**
 * To a connected node that takes part, or that holds an older one which would go on to count. It is written down before it is sent: from then on
 * the node may hold it.
 */
export function handOut(draft: Draft, node: Node, set = currentSet(draft.world)): void {
  const liveness = draft.world.liveness.get(node.uuid);
  const held = node.witnessSets ?? [];
  if (!set || !liveness || liveness.session === "") return;
  if (liveness.witnessPort === 0 && held.length === 0) return;
  const full = held.length >= unacknowledgedMax && !held.includes(set.version);
  const { version, ttlMs, members } = (full && draft.world.witnessSets.get(held.at(-1) ?? 0)) || set;
  if (!held.includes(version)) draft.put("node", { ...node, witnessSets: [...held, version] });
  draft.order({ kind: "set-witnesses", node: node.name, version, leaseTtlMs: ttlMs, members });
}

/**
 * The node says which set it holds: no older one counts any more, since a permit of one is over before the node can be lost. Newer ones that
 * were sent may still arrive. 0 takes nothing back: an agent of a release that knows nothing of witnesses says so too, and its successor
 * finds what its predecessor left.
 */
export function acknowledged(draft: Draft, node: Node, version: number): Node {
  const before = node.witnessSets ?? [];
  const held = [...(version === 0 ? [] : [version]), ...before.filter((sent) => sent > version)];
  if (held.length === before.length && held.every((one, at) => one === before[at])) return node;
  const after = { ...node, witnessSets: held };
  draft.put("node", after);
  return after;
}

/** Of a heartbeat. The newest set follows, if it was held back until now. */
export function acknowledgedInSession(draft: Draft, node: Node, version: number): Node {
  const after = acknowledged(draft, node, version);
  const current = currentSet(draft.world);
  if (after !== node && current && !after.witnessSets?.includes(current.version)) handOut(draft, after, current);
  return draft.world.nodes.get(node.uuid) ?? after;
}

/** Sets that this catalog knows nothing of: they are only replaced by one of ours, be it empty. */
function anyHeld(world: World): boolean {
  for (const { witnessSets } of world.nodes.values()) if (witnessSets?.length) return true;
  return false;
}

function forgetUnheld(draft: Draft): void {
  const { world } = draft;
  const current = currentSet(world);
  const sets = [...world.witnessSets.values()];
  if (sets.length < 2) return;
  const held = new Set([...world.nodes.values()].flatMap(({ witnessSets }) => witnessSets ?? []));
  for (const { version } of sets) {
    if (version !== current?.version && !held.has(version)) draft.delete("witness-set", String(version));
  }
}
