import type { ClusterId } from "../../../shared/ids.js";
import { classMatches, isConnected, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import { misfit } from "../machine-class.js";
import type { World } from "../memory.js";
import { nodesShortage } from "../quota/nodes.js";
import type { Cluster, Instant, Node } from "../state.js";
import { isLowPriority, suits, suitsPriority } from "./priority.js";

/** What the latest pass over memberships found of a cluster. In memory alone. */
export interface AllocationNote {
  /** It has the nodes that it asks for, and none that it is to give up. */
  readonly steady: boolean;
  readonly since: Instant;
  /** Nodes that it asks for and that nobody could give it. */
  readonly missing: number;
}

export interface Allocation extends AllocationNote {
  readonly current: number;
  /** In words; empty when nothing is missing. */
  readonly shortage: string;
}

export function noteAllocations(
  draft: Draft,
  clusters: readonly Cluster[],
  missing: ReadonlyMap<ClusterId, number>,
): void {
  const { world } = draft;
  for (const cluster of clusters) {
    const lacking = missing.get(cluster.uuid) ?? 0;
    const before = world.index.allocations.get(cluster.uuid);
    const leaving = [...membersOf(world, cluster)].some((node) => node.leaving !== undefined);
    const steady = lacking === 0 && !leaving;
    if (before?.steady === steady && before.missing === lacking) continue;
    const since = before?.steady === steady ? before.since : draft.now;
    draft.note({ kind: "allocation", cluster: cluster.uuid, allocation: { steady, since, missing: lacking } });
  }
}

export function allocationOf(world: World, cluster: Cluster): Allocation {
  const members = [...membersOf(world, cluster)];
  const note = world.index.allocations.get(cluster.uuid) ?? { steady: true, since: cluster.createdAt, missing: 0 };
  const live = members.filter(({ lost }) => !lost).length;
  return { ...note, current: members.length, shortage: shortageOf(world, cluster, live, note.missing) };
}

function shortageOf(world: World, cluster: Cluster, live: number, missing: number): string {
  if (missing === 0) return "";
  const short = `${live} of ${live + missing} nodes`;
  const why = misfit(world, cluster.spec) ?? nodesShortage(world, cluster);
  return `${short}: ${why ?? machinesOf(world, cluster)}`;
}

/** Where the machines of its class are. */
function machinesOf(world: World, cluster: Cluster): string {
  const { vmSize } = cluster.spec;
  const fitting = [...world.nodes.values()].filter(({ inventory }) => classMatches(world, cluster, inventory));
  const lent = fitting.filter((node) => !suitsPriority(cluster, node)).length;
  const others = fitting.filter((node) => suits(world, cluster, node) && node.cluster !== cluster.uuid);
  const gone = others.filter((node) => node.lost || !isConnected(world, node));
  const here = others.filter((node) => !gone.includes(node));
  const reclaimed = here.filter(({ drained }) => drained?.reclaimed).length;
  const elsewhere = here.filter(({ cluster: other }) => other !== undefined);
  const parts = [
    ...(elsewhere.length > 0 ? [`${elsewhere.length} are in ${clustersOf(world, cluster, elsewhere)}`] : []),
    ...(gone.length > 0 ? [`${gone.length} are lost or not connected`] : []),
    ...(reclaimed > 0 ? [`${reclaimed} were reclaimed by their owners`] : []),
    ...(lent > 0 && !isLowPriority(cluster) ? [`${lent} are reclaimable, which only lowpriority clusters have`] : []),
  ];
  const count = fitting.length === 1 ? "the 1 machine" : `${fitting.length} machines`;
  return `of ${count} of class ${vmSize} ${parts.length > 0 ? parts.join(", ") : "no more can be had"}`;
}

/** Who may read of this cluster need not know those of other workspaces. */
function clustersOf(world: World, { workspace }: Cluster, nodes: readonly Node[]): string {
  const all = nodes.flatMap(({ cluster }) => (cluster && world.clusters.get(cluster)) ?? []);
  const own = all.filter((each) => each.workspace === workspace);
  if (own.length === 0) return "clusters of other workspaces";
  const names = [...new Set(own.map(({ name }) => name))].join(", ");
  return `other clusters (${names}${own.length < all.length ? ", and some of other workspaces" : ""})`;
}
