import type { ClusterId, ExperimentId, FileServerId, JobId, LeaseId, NodeId, WorkspaceId } from "../../shared/ids.js";
import type { SortedMap } from "./sorted-map.js";
import type {
  Attempt,
  Cluster,
  Experiment,
  FileServer,
  IdempotencyKey,
  Instant,
  Job,
  Liveness,
  Node,
  Settings,
  Workspace,
} from "./state.js";
import type { Usage } from "./usage.js";

/** All rows in memory, with the indexes that keep every step short. Only `apply` (changes.ts, indexes.ts) writes to it. */
export interface State {
  readonly settings: Settings;
  readonly workspaces: Map<WorkspaceId, Workspace>;
  readonly clusters: Map<ClusterId, Cluster>;
  readonly fileServers: Map<FileServerId, FileServer>;
  readonly experiments: Map<ExperimentId, Experiment>;
  readonly jobs: Map<JobId, Job>;
  readonly nodes: Map<NodeId, Node>;
  readonly attempts: Map<JobId, readonly Attempt[]>;
  /** By `keyOf`. */
  readonly idempotencyKeys: Map<string, IdempotencyKey>;
  readonly liveness: Map<NodeId, Liveness>;
  readonly index: Index;
  clock: { tickedAt: Instant; graceUntil: Instant };
  /** Numbers the next job, cluster and node. */
  next: { job: number; cluster: number; node: number };
}

export interface Index {
  readonly workspaceByName: Map<string, WorkspaceId>;
  /** By `<uuid of the parent> <name>`. */
  readonly clusterByName: Map<string, ClusterId>;
  readonly fileServerByName: Map<string, FileServerId>;
  readonly experimentByName: Map<string, ExperimentId>;
  readonly jobByName: Map<string, JobId>;
  readonly nodeByName: Map<string, NodeId>;
  /** By sequence: creation order. */
  readonly jobsOfExperiment: Map<ExperimentId, SortedMap<JobId>>;
  /** By queueKey: scheduling order. */
  readonly queue: Map<ClusterId, SortedMap<JobId>>;
  /** Jobs that hold a lease, by sequence. */
  readonly active: Map<ClusterId, SortedMap<JobId>>;
  readonly nodesOfCluster: Map<ClusterId, SortedMap<NodeId>>;
  readonly usage: Map<NodeId, Usage>;
  /** Sum of the node counts of the queued jobs. */
  readonly queuedNodes: Map<ClusterId, number>;
  /** What was found not to start in the present circumstances: see schedule.ts. */
  readonly blocked: Map<ClusterId, Blocked>;
}

export interface Blocked {
  readonly head: JobId;
  readonly shapes: ReadonlySet<string>;
}

export function emptyState(settings: Settings, startedAt: Instant): State {
  return {
    settings,
    workspaces: new Map(),
    clusters: new Map(),
    fileServers: new Map(),
    experiments: new Map(),
    jobs: new Map(),
    nodes: new Map(),
    attempts: new Map(),
    idempotencyKeys: new Map(),
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
      queuedNodes: new Map(),
      blocked: new Map(),
    },
    clock: { tickedAt: startedAt, graceUntil: startedAt + settings.leaseTtlMs + settings.marginMs },
    next: { job: 1, cluster: 1, node: 1 },
  };
}

/** Priority first (high before low), then submission. */
export function queueKey(job: Job): number {
  return (2 - job.request.priority) * 2 ** 50 + job.sequence;
}
