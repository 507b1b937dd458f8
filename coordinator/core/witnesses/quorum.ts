import type { World } from "../memory.js";
import { nodeNamed } from "../names.js";
import { isSilent } from "../node.js";
import type { Instant, Node } from "../state.js";
import { nothingUsed } from "../usage.js";
import { covers, longestPermitMs } from "./coverage.js";
import type { Witness, WitnessSet } from "./set.js";

/** Why a silent node may not be declared lost yet: its witnesses may have let it go on, because they don't hear us either. */
export interface Withheld {
  readonly members: number;
  /** Those that surely told nobody that we are gone, for as long as a permit lasts. */
  readonly steady: number;
}

/**
 * A node that holds a lease runs on when more than half of its witnesses say that the coordinator is gone. So it is declared lost only when at
 * least half of them can't have said so while such a permit may last: for each set that the node may hold.
 */
export function withheld(world: World, node: Node, now: Instant): Withheld | undefined {
  // Nothing of it is given to anybody by the loss.
  if (!(world.index.usage.get(node.uuid) ?? nothingUsed).holders.some(({ zombie }) => !zombie)) return undefined;
  for (const version of node.witnessSets ?? []) {
    const set = world.witnessSets.get(version);
    // It was made by another life of this catalog: who its members are is not known, so nothing can be said of them.
    if (!set) return { members: 0, steady: 0 };
    const steady = set.members.filter((member) => isSteady(world, set, member, now)).length;
    if (steady * 2 < set.members.length) return { members: set.members.length, steady };
  }
  return undefined;
}

function isSteady(world: World, set: WitnessSet, member: Witness, now: Instant): boolean {
  const node = nodeNamed(world, member.name);
  const liveness = node && world.liveness.get(node.uuid);
  if (!node || !liveness) return false;
  // Another machine may have come under that name: what it hears says nothing about the one that is asked.
  if (node.address !== member.address || liveness.witnessPort !== member.port) return false;
  // Agents reckon with the lease times that came with their witnesses.
  if (world.witnessSets.get(liveness.witnessSet)?.ttlMs !== world.settings.leaseTtlMs) return false;
  // The margin is for what it takes a node to stop its processes once a permit has run out.
  return covers(liveness.coverage, now - longestPermitMs(set.ttlMs) - world.settings.marginMs, now);
}

/** In words, for a node that would be lost by its silence alone. */
export function withheldReason(world: World, node: Node, now: Instant): string | undefined {
  if (node.lost || !isSilent(world, node, now)) return undefined;
  const why = withheld(world, node, now);
  if (!why) return undefined;
  const heard =
    why.members === 0
      ? "its witnesses are of another life of this catalog"
      : `only ${why.steady} of ${why.members} witnesses hear this coordinator, which may itself be the one that is cut off`;
  return `it is silent, but ${heard}: its jobs wait until it or enough of the others are back; if you see that the machine is off, say \`stoker node declare-lost ${node.name} --i-have-checked-that-it-is-off\``;
}
