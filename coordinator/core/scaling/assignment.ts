import type { ClusterId, NodeId } from "../../../shared/ids.js";
import { changeCluster, isBusy, isConnected, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import { nodesLeft } from "../quota/nodes.js";
import type { Cluster, Node } from "../state.js";
import { anyMachine, type Claim, type Demand, isUsable, meets } from "./claims.js";
import { isLowPriority, suits } from "./priority.js";
import { floorOf, scalesItself, spareNodes, yieldNode } from "./release.js";

/** What one cluster asks for in this pass. */
interface Seeker {
  readonly cluster: Cluster;
  /** To have the nodes that it keeps in any case. */
  readonly floor: Demand[];
  readonly claims: Claim[];
  /** What it has: all its nodes while it is below its floor, then those at work and those it was given for a job. */
  live: number;
  busy: number;
  missing: number;
}

/**
 * Who gets a machine, when several clusters want it. Dedicated clusters go before those of low priority; minimums and manual targets before what
 * is wanted beyond them; then whoever has the fewest nodes at work; then the job that came first. A job's nodes are given together: two gangs
 * that hold half of what they need would wait for each other.
 *
 * Machines come from those that are free, then from clusters that keep idle ones which their own queue does not need, or needs for a job whose
 * turn comes later. A dedicated cluster also gets those of a low-priority one: the idle at once, the busy when their jobs have left.
 */
export class Assignment {
  private readonly seekers: Seeker[];
  private readonly free: Node[];
  /** Promised to a job of their own cluster. */
  private readonly claimed = new Set<NodeId>();
  /** On their way from a low-priority cluster. */
  private readonly coming: Node[];

  constructor(
    private readonly draft: Draft,
    private readonly clusters: readonly Cluster[],
    claims: ReadonlyMap<ClusterId, readonly Claim[]>,
  ) {
    const nodes = [...draft.world.nodes.values()].sort((a, b) => a.sequence - b.sequence);
    const free = nodes.filter((node) => isFree(node) && isConnected(draft.world, node));
    // Those on which nothing could start now come last.
    this.free = [...free.filter((node) => this.isFit(node)), ...free.filter((node) => !this.isFit(node))];
    this.coming = nodes.filter(({ leaving, lost }) => leaving?.yields && !lost);
    this.seekers = clusters.map((cluster) => this.seekerFor(cluster, claims.get(cluster.uuid) ?? []));
  }

  /** Gives what there is; answers with how many nodes each cluster still lacks. */
  run(): Map<ClusterId, number> {
    for (let next = this.next(); next; next = this.next()) {
      if (next.floor.length > 0) this.serveFloor(next);
      else this.serveClaim(next);
    }
    return new Map(this.seekers.map(({ cluster, missing }) => [cluster.uuid, missing]));
  }

  private seekerFor(cluster: Cluster, claims: readonly Claim[]): Seeker {
    const members = [...membersOf(this.draft.world, cluster)].filter(({ lost, leaving }) => !lost && !leaving?.yields);
    const lacking = Math.max(0, floorOf(cluster) - members.length);
    // What is to come for the floor serves the first jobs too.
    const wanted = claims.flatMap(({ more }) => more);
    const floor = Array.from({ length: lacking }, (_, at) => wanted[at] ?? anyMachine);
    let spoken = lacking;
    const rest = claims.map((claim) => {
      const more = claim.more.slice(Math.min(spoken, claim.more.length));
      spoken -= claim.more.length - more.length;
      return { ...claim, more };
    });
    const busy = members.filter((node) => isBusy(this.draft.world, node)).length;
    return { cluster, floor, claims: rest, live: members.length, busy, missing: 0 };
  }

  private next(): Seeker | undefined {
    let first: Seeker | undefined;
    for (const seeker of this.seekers) {
      if (seeker.floor.length === 0 && seeker.claims.length === 0) continue;
      if (!first || goesBefore(seeker, first)) first = seeker;
    }
    return first;
  }

  private serveFloor(seeker: Seeker): void {
    const demand = seeker.floor.shift() ?? anyMachine;
    if (this.give(seeker, demand, () => true)) {
      seeker.live += 1;
      return;
    }
    seeker.missing += 1;
    // Where there is no machine at all, there is none for the rest.
    if (demand === anyMachine) seeker.missing += seeker.floor.splice(0).length;
  }

  private serveClaim(seeker: Seeker): void {
    const claim = seeker.claims.shift();
    if (!claim) return;
    const own = claim.own.filter((uuid) => this.draft.world.nodes.get(uuid)?.cluster === seeker.cluster.uuid);
    for (const uuid of own) this.claimed.add(uuid);
    const gone = claim.own.slice(own.length).map(() => anyMachine);
    let given = own.length;
    for (const demand of [...claim.more, ...gone]) {
      if (this.give(seeker, demand, (node) => this.isFit(node))) given += 1;
      else seeker.missing += 1;
    }
    seeker.busy += given;
  }

  /** Something could start there. */
  private isFit(node: Node): boolean {
    return !node.drained && (this.draft.world.liveness.get(node.uuid)?.unhealthyReason ?? "") === "";
  }

  private give(seeker: Seeker, demand: Demand, will: (node: Node) => boolean): boolean {
    const { world } = this.draft;
    const { cluster } = seeker;
    const inQuota = nodesLeft(world, cluster.workspace) > 0;
    const fits = (node: Node) => suits(world, cluster, node) && meets(node.inventory, demand) && will(node);
    const at = inQuota ? this.free.findIndex(fits) : -1;
    const [free] = at < 0 ? [] : this.free.splice(at, 1);
    const found = free ?? this.spare(cluster, inQuota).find(fits);
    if (found) {
      this.move(found, seeker);
      return true;
    }
    if (inQuota && !isLowPriority(cluster)) this.callBack(cluster, fits);
    return false;
  }

  private move(node: Node, seeker: Seeker): void {
    const former = this.seekers.find(({ cluster }) => cluster.uuid === node.cluster);
    if (former) former.live -= 1;
    // Those below their floor again ask for another in this same pass.
    if (former && former.live < floorOf(former.cluster)) former.floor.push(anyMachine);
    changeCluster(this.draft, node, seeker.cluster);
    this.claimed.add(node.uuid);
  }

  /** Idle nodes of other clusters, which may be had. */
  private spare(of: Cluster, inQuota: boolean): Node[] {
    const { world } = this.draft;
    return this.clusters.flatMap((cluster) => {
      if (cluster.uuid === of.uuid || (!inQuota && cluster.workspace !== of.workspace)) return [];
      if (!isLowPriority(of) && isLowPriority(cluster)) return this.idleOf(cluster);
      return scalesItself(cluster) ? spareNodes(world, cluster, this.claimed) : [];
    });
  }

  private idleOf(cluster: Cluster): Node[] {
    const { world } = this.draft;
    return [...membersOf(world, cluster)].filter((node) => isUsable(world, node) && !isBusy(world, node));
  }

  /** A busy node of a low-priority cluster; what is on its way already will do. */
  private callBack(to: Cluster, fits: (node: Node) => boolean): void {
    const { world } = this.draft;
    const at = this.coming.findIndex(fits);
    if (at >= 0) {
      this.coming.splice(at, 1);
      return;
    }
    for (const cluster of this.clusters.filter(isLowPriority)) {
      const node = [...membersOf(world, cluster)]
        .reverse()
        .find((one) => !one.lost && !one.leaving && !one.drained && isBusy(world, one) && fits(one));
      if (!node) continue;
      yieldNode(this.draft, node, cluster, to);
      return;
    }
  }
}

const isFree = (node: Node) => !node.cluster && !node.lost && !node.drained?.reclaimed;

function goesBefore(a: Seeker, b: Seeker): boolean {
  const rank = (seeker: Seeker): readonly number[] => {
    const below = seeker.floor.length > 0;
    return [
      isLowPriority(seeker.cluster) ? 1 : 0,
      below ? 0 : 1,
      below ? seeker.live : seeker.busy,
      seeker.claims[0]?.sequence ?? Number.POSITIVE_INFINITY,
      seeker.cluster.sequence,
    ];
  };
  const [left, right] = [rank(a), rank(b)];
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
