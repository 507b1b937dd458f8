import type {
  ClusterId,
  ExperimentId,
  FileServerId,
  JobId,
  NodeId,
  SubscriptionId,
  WorkspaceId,
} from "../../shared/ids.js";
import { type AccessTables, emptyAccess, forkAccess } from "./access/tables.js";
import type { Announcement, Outgoing } from "./announcements/announcement.js";
import type { Subscription } from "./announcements/subscription.js";
import type { NodeHealth } from "./health/record.js";
import type { JoinToken, NodeIdentity } from "./identity/identity.js";
import type { Liveness } from "./liveness.js";
import type { MachineClassAlias } from "./machine-class.js";
import { Overlay, type TableOf } from "./overlay.js";
import type { Active } from "./quota/active.js";
import type { AllocationNote } from "./scaling/allocation.js";
import type { Secret } from "./secrets/secret.js";
import type { Settings } from "./settings.js";
import type { SortedMap } from "./sorted-map.js";
import type {
  Attempt,
  Cluster,
  Experiment,
  FileServer,
  IdempotencyKey,
  Instant,
  Job,
  Node,
  StorageMapping,
  Workspace,
} from "./state.js";
import type { Usage } from "./usage.js";
import type { WitnessSet } from "./witnesses/set.js";

/** All rows in memory, with the indexes that keep every step short. Written to by apply.ts and indexes.ts alone. */
export interface World {
  readonly settings: Settings;
  readonly workspaces: TableOf<WorkspaceId, Workspace>;
  readonly clusters: TableOf<ClusterId, Cluster>;
  readonly fileServers: TableOf<FileServerId, FileServer>;
  /** By source. */
  readonly storageMappings: TableOf<string, StorageMapping>;
  readonly experiments: TableOf<ExperimentId, Experiment>;
  readonly jobs: TableOf<JobId, Job>;
  readonly nodes: TableOf<NodeId, Node>;
  readonly attempts: TableOf<JobId, readonly Attempt[]>;
  /** By `keyOf`. */
  readonly idempotencyKeys: TableOf<string, IdempotencyKey>;
  /** By version. */
  readonly witnessSets: TableOf<number, WitnessSet>;
  /** By alias, in lower case. */
  readonly machineClassAliases: TableOf<string, MachineClassAlias>;
  /** By secretKey. */
  readonly secrets: TableOf<string, Secret>;
  readonly subscriptions: TableOf<SubscriptionId, Subscription>;
  /** By number. */
  readonly outgoing: TableOf<number, Outgoing>;
  /** What nobody has subscribed to, the latest, numbered as it came since the start. */
  readonly recent: TableOf<number, Announcement>;
  /** By name of the node. */
  readonly nodeIdentities: TableOf<string, NodeIdentity>;
  readonly joinTokens: TableOf<string, JoinToken>;
  readonly nodeHealth: TableOf<NodeId, NodeHealth>;
  readonly access: AccessTables;
  readonly liveness: TableOf<NodeId, Liveness>;
  readonly index: Index;
  readonly clock: Clock;
  /** Numbers the next job, cluster and node. */
  readonly next: {
    job: number;
    cluster: number;
    node: number;
    outgoing: number;
    oldestOutgoing: number;
    recent: number;
  };
}

export interface Clock {
  tickedAt: Instant;
  /** Nobody is declared lost before. */
  graceUntil: Instant;
}

export interface Index {
  /** By name. */
  readonly workspaceByName: TableOf<string, WorkspaceId>;
  /** By `<uuid of the parent> <name>`, as the next ones. */
  readonly clusterByName: TableOf<string, ClusterId>;
  readonly fileServerByName: TableOf<string, FileServerId>;
  readonly experimentByName: TableOf<string, ExperimentId>;
  readonly jobByName: TableOf<string, JobId>;
  readonly nodeByName: TableOf<string, NodeId>;
  /** By sequence: creation order. */
  readonly jobsOfExperiment: TableOf<ExperimentId, SortedMap<JobId>>;
  /** By queueKey: scheduling order. */
  readonly queue: TableOf<ClusterId, SortedMap<JobId>>;
  /** Jobs that hold a lease, by sequence. */
  readonly active: TableOf<ClusterId, SortedMap<JobId>>;
  /** By sequence: order of enrolment. */
  readonly nodesOfCluster: TableOf<ClusterId, SortedMap<NodeId>>;
  readonly usage: TableOf<NodeId, Usage>;
  /** Names of the nodes whose word a restored catalog waits for. */
  readonly awaited: TableOf<NodeId, string>;
  /** What its jobs hold; absent where none holds a lease. */
  readonly activeOfExperiment: TableOf<ExperimentId, Active>;
  /** How many jobs of each node count are queued. */
  readonly queuedSizes: TableOf<ClusterId, ReadonlyMap<number, number>>;
  readonly allocations: TableOf<ClusterId, AllocationNote>;
  /** What was found not to start as things are: see schedule.ts. */
  readonly blocked: TableOf<ClusterId, Blocked>;
  /** Ids of what is in `outgoing` and `recent`. */
  readonly announced: TableOf<string, true>;
}

/** The first of the queue, and the shapes of jobs behind it, that a pass has found not to start; forgotten when room comes. */
export interface Blocked {
  readonly head: JobId;
  /** No node has any room for anything. */
  readonly full: boolean;
  readonly shapes: ReadonlySet<string>;
}

type Solid<T> = { readonly [K in keyof T]: T[K] extends TableOf<infer Key, infer Value> ? Map<Key, Value> : T[K] };

/** The engine's one World, which lasts. */
export type State = Solid<Omit<World, "index">> & { readonly index: Solid<Index> };

/** Of a coordinator that starts now. The rows come by `load`. */
export function emptyState(settings: Settings, startedAt: Instant): State {
  return {
    settings,
    workspaces: new Map(),
    clusters: new Map(),
    fileServers: new Map(),
    storageMappings: new Map(),
    experiments: new Map(),
    jobs: new Map(),
    nodes: new Map(),
    attempts: new Map(),
    idempotencyKeys: new Map(),
    witnessSets: new Map(),
    machineClassAliases: new Map(),
    secrets: new Map(),
    subscriptions: new Map(),
    outgoing: new Map(),
    recent: new Map(),
    nodeIdentities: new Map(),
    joinTokens: new Map(),
    nodeHealth: new Map(),
    access: emptyAccess(),
    liveness: new Map(),
    index: {
      workspaceByName: new Map(),
      clusterByName: new Map(),
      fileServerByName: new Map(),
      experimentByName: new Map(),
      jobByName: new Map(),
      nodeByName: new Map(),
      jobsOfExperiment: new Map(),
      queue: new Map(),
      active: new Map(),
      nodesOfCluster: new Map(),
      usage: new Map(),
      awaited: new Map(),
      activeOfExperiment: new Map(),
      queuedSizes: new Map(),
      allocations: new Map(),
      blocked: new Map(),
      announced: new Map(),
    },
    clock: { tickedAt: startedAt, graceUntil: startedAt + settings.leaseTtlMs + settings.marginMs },
    next: { job: 1, cluster: 1, node: 1, outgoing: 1, oldestOutgoing: 1, recent: 1 },
  };
}

/** A copy that sees what is changed in it, and leaves `world` alone. */
export function fork(world: World): World {
  const { index } = world;
  return {
    settings: world.settings,
    workspaces: new Overlay(world.workspaces),
    clusters: new Overlay(world.clusters),
    fileServers: new Overlay(world.fileServers),
    storageMappings: new Overlay(world.storageMappings),
    experiments: new Overlay(world.experiments),
    jobs: new Overlay(world.jobs),
    nodes: new Overlay(world.nodes),
    attempts: new Overlay(world.attempts),
    idempotencyKeys: new Overlay(world.idempotencyKeys),
    witnessSets: new Overlay(world.witnessSets),
    machineClassAliases: new Overlay(world.machineClassAliases),
    secrets: new Overlay(world.secrets),
    subscriptions: new Overlay(world.subscriptions),
    outgoing: new Overlay(world.outgoing),
    recent: new Overlay(world.recent),
    nodeIdentities: new Overlay(world.nodeIdentities),
    joinTokens: new Overlay(world.joinTokens),
    nodeHealth: new Overlay(world.nodeHealth),
    access: forkAccess(world.access),
    liveness: new Overlay(world.liveness),
    index: {
      workspaceByName: new Overlay(index.workspaceByName),
      clusterByName: new Overlay(index.clusterByName),
      fileServerByName: new Overlay(index.fileServerByName),
      experimentByName: new Overlay(index.experimentByName),
      jobByName: new Overlay(index.jobByName),
      nodeByName: new Overlay(index.nodeByName),
      jobsOfExperiment: new Overlay(index.jobsOfExperiment),
      queue: new Overlay(index.queue),
      active: new Overlay(index.active),
      nodesOfCluster: new Overlay(index.nodesOfCluster),
      usage: new Overlay(index.usage),
      awaited: new Overlay(index.awaited),
      activeOfExperiment: new Overlay(index.activeOfExperiment),
      queuedSizes: new Overlay(index.queuedSizes),
      allocations: new Overlay(index.allocations),
      blocked: new Overlay(index.blocked),
      announced: new Overlay(index.announced),
    },
    clock: { ...world.clock },
    next: { ...world.next },
  };
}
