import type { ClusterSpec } from "../../shared/gen/stoker/v1/cluster_pb.js";
import type { FileServerSpec } from "../../shared/gen/stoker/v1/file_server_pb.js";
import type { JobSpec } from "../../shared/gen/stoker/v1/job_pb.js";
import type { ClusterId, ExperimentId, FileServerId, JobId, LeaseId, NodeId, WorkspaceId } from "../../shared/ids.js";
import type { FileServing, Managed } from "./file-servers/managed.js";
import type { Watch } from "./gang-watch/findings.js";
import type { Quota } from "./quota/quota.js";

/**
 * What the coordinator knows. Every record here is one row of the catalog: plain data without undefined holes to trip over, replaced as a
 * whole and never edited in place. The three `spec`s are protobuf messages (the catalog stores them with toBinary; an unchanged spec keeps
 * its identity from put to put, so bytes may be cached by it); everything else survives JSON.stringify and JSON.parse.
 */

/** Milliseconds since the epoch, by the engine's clock: see step.ts on what it promises. */
export type Instant = number;

export interface Workspace {
  readonly uuid: WorkspaceId;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly location: string;
  readonly createdAt: Instant;
  readonly quota?: Quota;
  /** It goes, with what it holds, when its last experiment has gone; and takes nothing new. */
  readonly deletingSince?: Instant;
}

export interface Cluster {
  readonly uuid: ClusterId;
  readonly workspace: WorkspaceId;
  readonly name: string;
  /** As admitted. */
  readonly spec: ClusterSpec;
  readonly createdAt: Instant;
  /** Order of creation among clusters: who is served first with free nodes. */
  readonly sequence: number;
  readonly size: ClusterSize;
  /** It goes when its nodes and its last job have gone, and takes nothing new. */
  readonly deletingSince?: Instant;
}

/** How many nodes it asks for; `minimum` equals `maximum` for a manual target. */
export interface ClusterSize {
  readonly minimum: number;
  readonly maximum: number;
  /** Of a new one that scales by itself: it begins with so many. */
  readonly initial?: number;
}

export interface FileServer {
  readonly uuid: FileServerId;
  readonly workspace: WorkspaceId;
  readonly name: string;
  readonly spec: FileServerSpec;
  readonly createdAt: Instant;
  /** Absent for a filer that was there already. */
  readonly managed?: Managed;
}

/** What stands in for an Azure share or container here. */
export interface StorageMapping {
  /** `<account>/<name>` in lower case; `*` stands for any run of characters but `/`. */
  readonly source: string;
  readonly fileServer: FileServerId;
  /** Below the export; `{account}` and `{name}` are filled in. */
  readonly path: string;
  readonly createdAt: Instant;
}

export interface Experiment {
  readonly uuid: ExperimentId;
  readonly workspace: WorkspaceId;
  readonly name: string;
  readonly createdAt: Instant;
  /** It goes when its last job has gone, and takes no new ones. */
  readonly deleting: boolean;
  /** Absent also where an earlier release began that. */
  readonly deletingSince?: Instant;
}

export interface Job {
  readonly uuid: JobId;
  readonly experiment: ExperimentId;
  readonly name: string;
  /** As admitted: counts and defaults filled in. Secrets' values are in it: views must take them out. */
  readonly spec: JobSpec;
  /** The same, narrowed to what scheduling needs. */
  readonly request: JobRequest;
  readonly createdAt: Instant;
  /** Order of submission over all jobs. */
  readonly sequence: number;
  readonly state: JobState;
  /** Number of the latest attempt; 0 before the first. */
  readonly attempt: number;
  /** Start of the latest attempt, also after it ended. Of a job that was terminated before any start: the time of that. */
  readonly startedAt?: Instant;
  /** Runs that failed by themselves and were tried again. */
  readonly retries: number;
  /** Attempts that ended through no fault of the job's own. */
  readonly machineFaults: number;
  /** Nodes that failed it, latest last: not used again while others will do. */
  readonly avoid: readonly NodeId[];
  /** It goes as soon as it has ended. */
  readonly deleting: boolean;
  readonly deletingSince?: Instant;
  /** Number of its latest event. */
  readonly events: number;
  /** Name of the user; absent of one that an earlier release took on. */
  readonly submittedBy?: string;
  /** The W3C trace context that it was submitted in. */
  readonly traceParent?: string;
  /** What is suspected of it while it runs; absent: nothing ever was. */
  readonly watch?: Watch;
}

/** low, normal, high */
export type Priority = 0 | 1 | 2;

export interface JobRequest {
  readonly cluster: ClusterId;
  readonly nodeCount: number;
  readonly priority: Priority;
  /** What it takes of each node. */
  readonly share: ShareRequest;
  readonly wallClockMs: number;
  readonly retriesMax: number;
  /** What the ranks of an attempt may write to stdout and stderr on one node; else the coordinator's default. */
  readonly logLimitBytes?: number;
  readonly sweep?: SweepRequest;
  /** Keys of the secrets that it refers to. */
  readonly secrets?: readonly string[];
}

/** The job is one of several, of which no more than so many may hold a lease. */
export interface SweepRequest {
  readonly name: string;
  /** Absent: no limit. */
  readonly runningMax?: number;
}

export type ShareRequest =
  | { readonly kind: "whole" }
  | {
      readonly kind: "part";
      readonly gpus: number;
      readonly cpus: number;
      /** Absent: in proportion to the cores. */
      readonly memoryBytes?: number;
    };

/** See job.ts for the drawing. */
export type JobState =
  | { readonly kind: "queued"; readonly since: Instant }
  | { readonly kind: "preparing"; readonly since: Instant; readonly lease: Lease }
  | { readonly kind: "running"; readonly since: Instant; readonly lease: Lease }
  | { readonly kind: "stopping"; readonly since: Instant; readonly lease: Lease; readonly verdict: Verdict }
  | { readonly kind: "finished"; readonly since: Instant; readonly outcome: Outcome };

/** What becomes of the job when nothing of the attempt is left. */
export interface Verdict {
  readonly next: { readonly kind: "requeue" } | { readonly kind: "finish"; readonly outcome: Outcome };
  /** How the attempt is told in the history. */
  readonly attemptState: AttemptState;
  /** One sentence; empty for a success. */
  readonly reason: string;
  readonly exitCode?: number;
  /** Its processes are asked before they are killed. */
  readonly graceful: boolean;
  /** How long before, when that is not as for every job. */
  readonly graceSeconds?: number;
  /** The user wants no further attempt, whoever turns out to be to blame for the end of this one. */
  readonly final?: true;
}

export interface Outcome {
  readonly kind: "succeeded" | "failed" | "terminated";
  /** Absent for a terminated job. */
  readonly exitCode?: number;
  readonly errors: readonly ResourceFault[];
}

/** ResourceError of the API. */
export interface ResourceFault {
  readonly code: string;
  readonly message: string;
  readonly details: ReadonlyArray<{ readonly name: string; readonly value: string }>;
}

/** One attempt's right to its nodes. */
export interface Lease {
  readonly id: LeaseId;
  readonly attempt: number;
  readonly grantedAt: Instant;
  /** Node index order: the first is the master. */
  readonly shares: readonly Share[];
  readonly rankCount: number;
  /** By rank, as they end. */
  readonly exits: readonly RankExit[];
  /** Nodes that would have got it, but for their history. */
  readonly passedOver?: ReadonlyArray<{ readonly node: string; readonly why: string }>;
}

/** A lease's part on one node. */
export interface Share {
  readonly node: NodeId;
  readonly nodeName: string;
  /** What other nodes of the gang call it. */
  readonly host: string;
  readonly held: Held;
  /**
   * granted: told to prepare; ready: waits for the rest of the gang, or runs; done: reported that nothing is left; lost: its node fell silent
   * (what it may still hold is then a zombie on the node).
   */
  readonly phase: "granted" | "ready" | "done" | "lost";
  /** Of the latest report taken in. */
  readonly reportSequence: number;
  /** What went wrong there beside the job, for people. */
  readonly warnings?: readonly string[];
}

/** What is promised to one lease on one node, and so to nobody else. */
export interface Held {
  readonly gpuUuids: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Nobody else may be on the node. */
  readonly whole: boolean;
}

export interface RankExit {
  readonly rank: number;
  readonly node: NodeId;
  readonly exitCode: number;
  readonly signal: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Written by the rank, and not in its streams. */
  readonly stdoutDroppedBytes?: number;
  readonly stderrDroppedBytes?: number;
}

export type AttemptState =
  | "preparing"
  | "running"
  | "stopping"
  | "succeeded"
  | "failed"
  | "lost"
  | "preempted"
  | "terminated";

/** History: one row for each (job, number). */
export interface Attempt {
  readonly job: JobId;
  readonly number: number;
  readonly state: AttemptState;
  readonly nodes: ReadonlyArray<{
    readonly name: string;
    readonly address: string;
    readonly gpuUuids: readonly string[];
    readonly warnings?: readonly string[];
  }>;
  readonly startedAt: Instant;
  readonly endedAt?: Instant;
  readonly reason: string;
  readonly exitCode?: number;
  readonly rankCount: number;
  /** Ranks that ended, with the final lengths of their logs. */
  readonly exits: readonly RankExit[];
}

/** History in words, for people and the feed: one row for each (job, number). Written, not kept in memory. */
export interface JobEvent {
  readonly job: JobId;
  readonly number: number;
  readonly at: Instant;
  readonly message: string;
}

/** One enrolled machine. */
export interface Node {
  readonly uuid: NodeId;
  readonly name: string;
  readonly address: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly inventory: NodeInventory;
  readonly enrolledAt: Instant;
  /** Order of enrolment. */
  readonly sequence: number;
  readonly cluster?: ClusterId;
  /** When it last joined a cluster, and how often it was told to try its preparation again. Absent of one that joined by an earlier release. */
  readonly membership?: { readonly since: Instant; readonly tries: number };
  /** `reclaimed`: its owner took it back, so it serves no cluster either. */
  readonly drained?: { readonly reason: string; readonly since: Instant; readonly reclaimed?: true };
  /** Its cluster has become smaller, and lets go of it as soon as nothing runs there; it gets no work until then. */
  readonly leaving?: {
    readonly since: Instant;
    /** Another cluster goes before its own. */
    readonly yields?: true;
  };
  /** It has been silent for longer than its leases last. Gone with its next word. */
  readonly lost?: { readonly since: Instant };
  /** What attempts that moved on without it may still hold there. They end when the node says that they are gone. */
  readonly zombies: readonly Zombie[];
  /** Versions of the witnesses that its agent may hold: the one it has acknowledged, and those sent since. */
  readonly witnessSets?: readonly number[];
  /** Of the catalog's life that its agent last obeyed; absent: none is known. */
  readonly epoch?: number;
}

export interface Zombie {
  readonly lease: LeaseId;
  readonly held: Held;
  readonly since: Instant;
}

export interface NodeInventory {
  readonly machineClass: string;
  readonly os: string;
  readonly kernel: string;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly gpus: readonly NodeGpu[];
  readonly driverVersion: string;
  readonly cudaVersion: string;
  /** Absent where its agent serves no files at all. */
  readonly fileServing?: FileServing;
  /** What runs containers; absent where nothing does. */
  readonly containers?: { readonly runtime: string; readonly version: string };
  /** Its agent says how far it is prepared for its cluster. */
  readonly prepares?: true;
  /** Its owner may want it back at any time: it serves clusters of low priority alone. */
  readonly reclaimable?: true;
  /** What keeps jobs apart there, in the agent's words; absent of an earlier release. */
  readonly isolation?: { readonly accounts: string; readonly limits: string; readonly devices: string };
  /** Why it offers no GPUs though it may have some, in the agent's words. */
  readonly gpuTrouble?: string;
}

export interface NodeGpu {
  readonly uuid: string;
  readonly index: number;
  readonly model: string;
  readonly memoryBytes: number;
  /** How it is connected with each GPU of its node, in their order, in the driver's words; absent when not known. */
  readonly links?: readonly string[];
  /** The processors near to it. */
  readonly cpuAffinity?: string;
  readonly numaNode?: number;
  /** Network adapters that are nearest to it. */
  readonly nics?: readonly string[];
  /** Of a MIG device. */
  readonly parentUuid?: string;
}

/** Which resource a create with this key made. `scope` is the noun and its parent. */
export interface IdempotencyKey {
  readonly scope: string;
  readonly key: string;
  /** Digest of the request's body, made by the shell. */
  readonly digest: string;
  readonly resource: string;
  readonly at: Instant;
}
