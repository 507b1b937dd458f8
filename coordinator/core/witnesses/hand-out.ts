import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Node } from "../state.js";
import { chooseMembers, currentSet, nextVersion, sameMembers, type WitnessSet } from "./set.js";

/** Members come and go together after a start or a power cut: not each of them makes a set of its own. */
const betweenSetsInHeartbeats = 2;
/** A node that acknowledges none is sent no further ones: each that it may hold counts when it falls silent. */
const unacknowledgedMax = 8;

/**
 * Writes down what nodes hold, makes a new set when the members change, sends it to everybody who lacks it, and forgets the sets that nobody can
 * hold any more. With the ticks alone, since each of these needs a row: a disk that takes none must not keep heartbeats from being answered.
 */
export function settleWitnesses(draft: Draft): void {
  const { world } = draft;
  for (const node of [...world.nodes.values()]) acknowledged(draft, node);
  renewSet(draft);
  for (const node of [...world.nodes.values()]) handOut(draft, node);
  forgetUnheld(draft);
}

function renewSet(draft: Draft): void {
  const { world, now } = draft;
  const before = currentSet(world);
  // Nobody has had time to come back: who is silent now says nothing about who is fit.
  if (before && now < world.clock.graceUntil) return;
  if (before && now - before.madeAt < betweenSetsInHeartbeats * world.settings.heartbeatIntervalMs) return;
  const members = chooseMembers(world);
  const ttlMs = world.settings.leaseTtlMs;
  const same = before
    ? sameMembers(before.members, members) && before.ttlMs === ttlMs
    : members.length === 0 && !anyHeld(world);
  if (!same) draft.put("witness-set", { version: nextVersion(world, now), madeAt: now, ttlMs, members });
}

/**
 * To a connected node that lacks it, and that takes part or holds an older one which would go on to count. It is written down before it is sent:
 * from then on the node may hold it.
 */
function handOut(draft: Draft, node: Node): void {
  const set = currentSet(draft.world);
  const liveness = draft.world.liveness.get(node.uuid);
  const held = node.witnessSets ?? [];
  if (!set || !liveness || liveness.session === "" || held.includes(set.version)) return;
  if (held.length >= unacknowledgedMax || (liveness.witnessPort === 0 && held.length === 0)) return;
  draft.put("node", { ...node, witnessSets: [...held, set.version] });
  order(draft, node, set);
}

/** With each session, since keys may have changed, and what was sent in the one before may not have come. */
export function handOutAgain(draft: Draft, node: Node): void {
  const newest = node.witnessSets?.at(-1);
  const set = newest === undefined ? undefined : draft.world.witnessSets.get(newest);
  if (set) order(draft, node, set);
}

function order(draft: Draft, node: Node, { version, ttlMs, members }: WitnessSet): void {
  draft.order({ kind: "set-witnesses", node: node.name, version, leaseTtlMs: ttlMs, members });
}

/** A node says that it holds a set which was never sent to it from here: that has to be reckoned with at once. */
export function heldUnsent(draft: Draft, node: Node, version: number): Node {
  const held = node.witnessSets ?? [];
  if (version === 0 || held.includes(version)) return node;
  const after = { ...node, witnessSets: [...held, version].sort((a, b) => a - b) };
  draft.put("node", after);
  return after;
}

/**
 * The node has said which set it holds: no older one counts any more, since a permit of one is over before the node can be lost. Newer ones that
 * were sent may still arrive. 0 takes nothing back: an agent of a release that knows nothing of witnesses says so too, and its successor
 * finds what its predecessor left.
 */
function acknowledged(draft: Draft, node: Node): void {
  const liveness = draft.world.liveness.get(node.uuid);
  const before = node.witnessSets ?? [];
  if (!liveness || liveness.witnessSet === 0 || before[0] === liveness.witnessSet) return;
  const held = before.filter((version) => version >= liveness.witnessSet);
  if (held.length < before.length) draft.put("node", { ...node, witnessSets: held });
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
