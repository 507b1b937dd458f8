import type { NodeId } from "../../../shared/ids.js";
import { changeCluster, isBusy, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Cluster, Node } from "../state.js";
import { deallocationOf, vacate } from "../vacate.js";
import { type Claim, isUsable } from "./claims.js";
import { suitsPriority } from "./priority.js";

/** The nodes that a cluster keeps in any case; more when its queue needs them. */
export const floorOf = ({ size }: Cluster) => Math.max(size.minimum, size.initial ?? 0);

export const scalesItself = ({ size }: Cluster) => size.minimum < size.maximum;

/**
 * Lets go of nodes: those that their owner took back or that are wanted elsewhere, when nothing runs there; what is over the maximum, idle ones
 * first; and of a cluster that scales by itself, what no job has needed for a while. Busy ones over the maximum leave by its deallocation option.
 */
export function letGo(draft: Draft, cluster: Cluster, claims: readonly Claim[]): void {
  const { world } = draft;
  const staying: Node[] = [];
  for (const node of [...membersOf(world, cluster)]) {
    if (!mustGo(cluster, node)) staying.push(node);
    else if (!isBusy(world, node)) changeCluster(draft, node, undefined);
    else if (!node.leaving) depart(draft, node);
  }
  const claimed = new Set(claims.flatMap(({ own }) => own));
  // The lost first, then those that are on their way out, then what nobody needs, then the latest to come.
  const rank = (node: Node) => (node.lost ? 0 : node.leaving ? 1 : claimed.has(node.uuid) ? 3 : 2);
  const members = staying.reverse().sort((a, b) => rank(a) - rank(b));
  let live = members.filter(({ lost }) => !lost).length;
  let count = members.length;
  const { maximum } = cluster.size;
  const floor = floorOf(cluster);
  const busy: Node[] = [];
  for (const node of members) {
    if (!node.lost && isBusy(world, node)) {
      busy.push(node);
      continue;
    }
    const dispensable = node.lost ? live >= floor : live > floor && !claimed.has(node.uuid) && hasRested(draft, node);
    const isOver = count > maximum || (scalesItself(cluster) && dispensable);
    if (isOver) {
      changeCluster(draft, node, undefined);
      count -= 1;
      if (!node.lost) live -= 1;
    } else if (node.leaving) stay(draft, node);
  }
  for (const [at, node] of busy.entries()) {
    if (at < count - maximum) leave(draft, node, cluster);
    else if (node.leaving) stay(draft, node);
  }
}

/** Its owner wants it, another cluster does, or it may not serve this one any more. */
const mustGo = (cluster: Cluster, node: Node) =>
  node.drained?.reclaimed === true || node.leaving?.yields === true || !suitsPriority(cluster, node);

/** Nothing has run on it for as long as a cluster waits for more work. */
function hasRested({ world, now }: Draft, { uuid, membership }: Node): boolean {
  const condition = world.liveness.get(uuid)?.condition;
  // As it was before this step: work may have ended in it.
  if (!condition || condition.state === "running" || condition.state === "leaving") return false;
  return now - Math.max(condition.since, membership?.since ?? 0) >= world.settings.scaleDownIdleMs;
}

function leave(draft: Draft, node: Node, cluster: Cluster): void {
  if (node.leaving) return;
  depart(draft, node);
  vacate(
    draft,
    node,
    deallocationOf(cluster),
    `cluster ${cluster.name} was made smaller, and gives up node ${node.name}`,
  );
}

function depart(draft: Draft, node: Node): void {
  draft.put("node", { ...node, leaving: { since: draft.now } });
  draft.nodeChanged(node.uuid);
}

/** For a cluster that goes before this one: its jobs go back to the queue. */
export function yieldNode(draft: Draft, node: Node, cluster: Cluster, to: Cluster): void {
  draft.put("node", { ...node, leaving: { since: draft.now, yields: true } });
  draft.nodeChanged(node.uuid);
  // Whose jobs they are need not know the clusters of other workspaces.
  const other = to.workspace === cluster.workspace ? `cluster ${to.name}` : "a cluster of another workspace";
  const reason = `cluster ${cluster.name} is of low priority, and gives up node ${node.name} to ${other}`;
  vacate(draft, node, "requeue", reason);
}

function stay(draft: Draft, { leaving: _, ...node }: Node): void {
  draft.put("node", node);
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
}

/** Idle, and not needed by the queue of its own cluster, which keeps as many as it must. */
export function spareNodes(world: World, cluster: Cluster, claimed: ReadonlySet<NodeId>): Node[] {
  const members = [...membersOf(world, cluster)].filter(({ lost }) => !lost);
  const over = members.length - floorOf(cluster);
  // One that could do nothing would go to and fro between those who lack one.
  const idle = members.filter((node) => !isBusy(world, node) && isUsable(world, node));
  return over > 0
    ? idle
        .filter(({ uuid }) => !claimed.has(uuid))
        .reverse()
        .slice(0, over)
    : [];
}
