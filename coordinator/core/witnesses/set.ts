import type { World } from "../memory.js";
import type { Instant, Node } from "../state.js";

/** The nodes that every node may ask whether they hear the coordinator. Kept for as long as a node may hold it. */
export interface WitnessSet {
  /** Counts up, and is the moment of its making: a catalog that was restored from a backup gives no number out again. */
  readonly version: number;
  readonly madeAt: Instant;
  /** How long its permits last. */
  readonly ttlMs: number;
  readonly members: readonly Witness[];
}

export interface Witness {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** More would cost messages and make nothing safer. */
export const membersMax = 15;

export function currentSet(world: World): WitnessSet | undefined {
  let newest: WitnessSet | undefined;
  for (const set of world.witnessSets.values()) if (!newest || set.version > newest.version) newest = set;
  return newest;
}

/** Above all that any node has heard of. */
export function nextVersion(world: World, now: Instant): number {
  let highest = currentSet(world)?.version ?? 0;
  for (const node of world.nodes.values()) highest = Math.max(highest, ...(node.witnessSets ?? []));
  return Math.max(now, highest + 1);
}

/**
 * Members stay for as long as they are not lost; places left go to connected nodes, of different machines first. A set of one would let a
 * node that is cut off alone be its own witness, so there is none then.
 */
export function chooseMembers(world: World): readonly Witness[] {
  if (!world.settings.witnesses) return [];
  const before = new Map((currentSet(world)?.members ?? []).map((member) => [member.name, member]));
  const fit = [...world.nodes.values()]
    .sort((a, b) => a.sequence - b.sequence)
    .flatMap((node) => candidate(world, node, before.get(node.name)) ?? []);
  const seen = new Set<string>();
  const ranked = fit
    .sort((a, b) => Number(before.has(b.name)) - Number(before.has(a.name)))
    .map((member) => {
      const first = !seen.has(member.address);
      seen.add(member.address);
      return { member, first };
    })
    .sort((a, b) => Number(b.first) - Number(a.first));
  const chosen = ranked.slice(0, membersMax).map(({ member }) => member);
  return chosen.length < 2 ? [] : chosen;
}

function candidate(world: World, node: Node, before: Witness | undefined): Witness | undefined {
  if (node.lost) return undefined;
  const liveness = world.liveness.get(node.uuid);
  if (!liveness || liveness.session === "") return before;
  if (liveness.witnessPort === 0) return undefined;
  return { name: node.name, address: node.address, port: liveness.witnessPort };
}

export const sameMembers = (one: readonly Witness[], other: readonly Witness[]) =>
  keysOf(one).join() === keysOf(other).join();
const keysOf = (members: readonly Witness[]) =>
  members.map(({ name, address, port }) => `${name} ${address} ${port}`).sort();
