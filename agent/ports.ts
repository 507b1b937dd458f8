import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Credential } from "../shared/credentials.js";
import type {
  AdminAccountPlan,
  LogStream,
  RemoteExit,
  RemoteOutput,
  RemoteStart,
  RemoteStop,
  SessionRequestSchema,
} from "../shared/gen/stoker/v1/agent_service_pb.js";
import type { MountPlan } from "../shared/gen/stoker/v1/mount_pb.js";
import type { Inventory, Telemetry } from "../shared/gen/stoker/v1/node_pb.js";
import type { LeaseId } from "../shared/ids.js";
import type { TimedMessage } from "./core/diagnosis/diagnosis.js";
import type { RemoteRank } from "./core/diagnosis/remote.js";

/** What the agent's parts need of one another. Adapters never import each other: agent.ts hands each what it asks for here. */

/** One message to the coordinator, as protobuf-es takes it. */
export type SessionMessage = Exclude<MessageInitShape<typeof SessionRequestSchema>["message"], undefined>;

// ---- mounts/ ----------------------------------------------------------------------------------------------------------------

/** Never blocks the agent: whatever touches a mount does it in a killable process with a time limit. */
export interface Mounts {
  /**
   * Makes every plan mounted under `root` ($AZ_BATCHAI_MOUNT_ROOT) and unmounts what is under it and not named, unless still in use.
   * Runs in the background for the node's cluster membership; a failure is told by `clusterProblem`.
   */
  setCluster(root: string, plans: MountPlan[]): Promise<void>;
  /** In words, when the cluster's mounts are not as they should be; "" when they are. Goes into every heartbeat. */
  clusterProblem(): string;
  /** The first of the plans last set that could not be mounted. */
  clusterFailure(): MountFailure | undefined;
  /** Mounts what is not mounted yet (idempotent: also called again by a restarted agent). Rejects with a MountFailure. */
  mount(
    root: string,
    plans: MountPlan[],
    environment: Record<string, string>,
    signal: AbortSignal,
    /** Told nowhere, whatever a command says. */
    secrets?: readonly string[],
    /** Each as soon as it is there, with how long it took. */
    told?: (plan: MountPlan, tookMs: number) => void,
  ): Promise<void>;
  /** Unmounts everything under `root`, lazily where it hangs, and removes the empty directories. Resolves when nothing is mounted there. */
  unmountAll(root: string): Promise<void>;
  /** Undoes what is mounted under `root` but below none of `held`. Logs what it can't undo. */
  sweep(root: string, held: () => readonly string[]): Promise<void>;
  /** From now on: looks at what is mounted, mends what can be, and tells the rest by `clusterProblem`. */
  watch(host: MountsHost): void;
  /** What is mounted stays. */
  close(): Promise<void>;
}

/** Given to mounts/ by agent.ts. */
export interface MountsHost {
  /** A lease may be using the cluster's volumes. */
  inUse(): boolean;
  /** Below it are the volumes of single leases. */
  jobMounts: string;
  /** The roots of the leases that this node holds. */
  heldMounts(): readonly string[];
}

/** A mount or a container that could not be made: goes into the job's errors as it is. Thrown as an Error that has these fields. */
export interface MountFailure extends Error {
  /** Batch AI's code where it had one. */
  code: string;
  details: Array<{ name: string; value: string }>;
}

// ---- setup/ -----------------------------------------------------------------------------------------------------------------

/** Accounts that clusters have on this machine. Each resolves with what went wrong, in words. */
export interface AdminAccounts {
  /** Made, or there already for the preparation of this id. */
  make(id: string, account: AdminAccountPlan): Promise<string | undefined>;
  /** Every one that was made for a cluster is locked, but the one of this name. */
  clear(keep: string): Promise<string | undefined>;
}

// ---- containers/ ------------------------------------------------------------------------------------------------------------

export interface ContainerWish {
  lease: LeaseId;
  image: string;
  serverUrl: string;
  /** Of the registry; literal. */
  username: string;
  password: string;
  /** 0: the runtime's own default. */
  shmSizeBytes: number;
  gpuUuids: readonly string[];
  /** Whose the job's processes are; undefined: the agent's own. */
  account?: { uid: number; gid: number; groups: readonly number[] } | undefined;
  /** Absolute paths of the machine, seen inside at `to`; those that are not there are left out. */
  folders: readonly SharedFolder[];
}

export interface SharedFolder {
  from: string;
  to: string;
  readOnly?: boolean;
  /** The job has named it: it is shown if its account can go there. */
  named?: boolean;
}

/** A container that is there: what a process needs to get into it. */
export interface Inside {
  /** The process that keeps it, and when that was started, in ticks. */
  holder: number;
  start: string;
  /** What the image says that its processes have. */
  environment: Readonly<Record<string, string>>;
}

/** One container for each lease that asks for one. Never blocks the agent: every order to a runtime has a time limit. */
export interface Containers {
  /** What this machine runs containers with; undefined when there is nothing, or its owner wants nothing. */
  find(): Promise<{ name: string; version: string } | undefined>;
  /** Pulls what is not here, and starts it; one that is there already is taken up. Rejects with the job's error. */
  start(wish: ContainerWish, tell: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** Undefined when there is none, or not any more. */
  inside(lease: LeaseId): Inside | undefined;
  /** With everything that runs in it. Resolves with what went wrong in words, "" when it is gone. */
  remove(lease: LeaseId): Promise<string>;
  /** Removes those of leases that this node does not hold. Logs what it can't remove. */
  sweep(held: (lease: string) => boolean): Promise<void>;
  /** Looks again and again whether the containers of these leases are still there. */
  watch(host: ContainersHost): void;
  close(): void;
}

export interface ContainersHost {
  /** Leases whose container has to be there. */
  needed(): readonly LeaseId[];
  /** One that was there is not any more, and not by our doing. */
  gone(lease: LeaseId): void;
}

// ---- exports/ ---------------------------------------------------------------------------------------------------------------

/** One thing that this machine is to serve to others. */
export interface ExportWish {
  /** The file server's UUID. */
  id: string;
  /** For people. */
  name: string;
  /** Absolute; "" when it is on disks. */
  directory: string;
  disks: string[];
  /** The path that clients mount, where the server can choose it. */
  mountPoint: string;
  /** Addresses and networks; empty: all. */
  clients: string[];
}

export interface ExportState {
  id: string;
  phase: "preparing" | "served" | "failed";
  mountPoint: string;
  port: number;
  /** Where the files are. */
  directory: string;
  error?: { code: string; message: string };
}

/** What this machine can do as a file server, for its inventory. */
export interface Serving {
  /** "" when none is installed. */
  server: "" | "kernel" | "ganesha";
  /** Offered by its owner; "" when none is. */
  folder: string;
  freeBytes: number;
  /** Its owner lets nobody serve files from it. */
  refused: boolean;
  /** What it was told to serve. */
  exports: number;
}

/** The machine as a file server. What it was told last is on its disk, and served from its start on, whether the coordinator answers or not. */
export interface Exports {
  serving(): Serving;
  /** `changed` is called whenever `states` says something new. */
  start(changed: () => void): void;
  /** All of them: what is not named is served no longer. */
  set(wishes: readonly ExportWish[]): void;
  states(): readonly ExportState[];
  /** What is served goes on being served. */
  close(): void;
}

// ---- logs/ ------------------------------------------------------------------------------------------------------------------

export type StreamName = "stdout" | "stderr";

/** Tails `<dir>/stdout` and `<dir>/stderr` (they may not exist yet) and publishes them until they are stored by the coordinator. */
/** By what the coordinator knows that this is the node it says it is. */
export interface Membership {
  /** Throws a Fault while there is none. */
  credential(): Credential;
  /** Undefined where NATS takes a token. */
  natsKey(): NatsKey | undefined;
  /** It may have something to say to the coordinator from time to time. False: there is no session. */
  start(send: (message: SessionMessage) => boolean): void;
  /** The coordinator's answer: in PEM. */
  renewed(certificate: string): void;
  close(): void;
}

/** By which the coordinator's own NATS knows the node. */
export interface NatsKey {
  publicKey: string;
  seed: string;
  /** Who has signed its certificate, in PEM. */
  authority: string;
}

export interface Logs {
  /** At every Welcome: where NATS is now. */
  connect(natsUrl: string, natsToken: string, key?: NatsKey): void;
  /** From the beginning; after a restart of the agent too (what is already stored is learned by `stored` and repeated bytes do no harm). */
  follow(lease: LeaseId, rank: number, dir: string): void;
  /** The rank is gone: its files have these lengths for good. A stream of length 0 counts as stored. */
  ended(lease: LeaseId, rank: number, stdoutBytes: number, stderrBytes: number): void;
  /** LogsStored from the coordinator. */
  stored(lease: LeaseId, rank: number, stream: LogStream, offset: number): void;
  /** What can't be sent, or is not stored; undefined when all is well. */
  waiting(): LogsWaiting | undefined;
  /** Why nothing can be sent now, whether there is something to send or not; undefined when it can. */
  problem(): string | undefined;
  /** True when every followed stream of the lease has ended and is stored: its spool may go. */
  complete(lease: LeaseId): boolean;
  /** Stops everything about the lease at once; its spool is about to be removed. */
  forget(lease: LeaseId): void;
  close(): Promise<void>;
}

/** Bytes that wait in the spool for longer than they should. */
export interface LogsWaiting {
  /** Milliseconds since the epoch. */
  since: number;
  bytes: number;
  reason: string;
}

/** Given to logs/ by agent.ts. */
export interface LogsHost {
  nodeName: string;
  /** Bytes at the beginning of a spool file that nobody but logs/ needs. */
  needless(lease: LeaseId, path: string): number;
  /** Frees the room of a spool file between two offsets. In the background, and no more than a wish. */
  release(path: string, from: number, to: number): void;
  /** Called once, when `complete(lease)` becomes true. */
  onComplete(lease: LeaseId): void;
}

/** `stoker-shim copy`: follows spool files into the job's std-out directory, in a process of its own because that directory may hang. */
export interface StdCopies<Key extends string = LeaseId> {
  /** Bytes of a spool file of the lease that are copied; all when it is not copied at all. */
  copied(lease: Key, from: string): number;
  /** Starts copying (append from the target's length; targets are new files of this attempt). Called again after a restart of the agent. */
  start(lease: Key, files: Array<{ from: string; to: string }>): void;
  /** Copies what is left, then ends; kills the copier after `timeoutMs`. Resolves with what went wrong in words, "" when complete. */
  finish(lease: Key, timeoutMs: number): Promise<string>;
}

// ---- telemetry/ -------------------------------------------------------------------------------------------------------------

export interface InventoryOverrides {
  machineClass?: string | undefined;
  cpus?: number | undefined;
  memoryBytes?: number | undefined;
  gpus?: number | undefined;
  /** Of all GPUs those that its owner gives. */
  given?: (<Gpu extends { uuid: string; index: number }>(gpus: readonly Gpu[]) => Gpu[]) | undefined;
}

export interface TelemetrySource {
  inventory(overrides: InventoryOverrides): Promise<Inventory>;
  /** `listener` hears when the machine has other GPUs to offer than it had: a driver was loaded, MIG devices were made anew. */
  changed(listener: (inventory: Inventory) => void): void;
  /** The newest sample, at once; sampling goes on by itself. Undefined before the first. */
  latest(): Telemetry | undefined;
  close(): void;
}

// ---- kernel/ ----------------------------------------------------------------------------------------------------------------

export interface KernelSource {
  start(): void;
  /** What the kernel said in the last so many milliseconds, oldest first. */
  recent(lastMs: number): readonly TimedMessage[];
  /** How many it said since it was started, by kind. */
  counts(): ReadonlyMap<string, number>;
  close(): void;
}

// ---- ranks/ (what other parts may use of it) --------------------------------------------------------------------------------

export interface ShimExit {
  /** As a shell says it: of a process that a signal ended, 128 + the signal. */
  exitCode: number;
  /** 0 when it ended by itself. */
  signal: number;
  /** Set when the shim itself was killed, so that the real exit is not known. */
  lost?: string;
  /** Of stdout and stderr, the bytes in the spool and those that were dropped; absent of an earlier release's shim, and when it was killed. */
  written?: { bytes: readonly [number, number]; dropped: readonly [number, number] };
}

/** How a process of a lease is kept to its account: see agent/native/confine.h. `--count` alone where its program sees to the rest. */
export interface Confine {
  how: "--confine" | "--count";
  file: string;
}

/** One `stoker-shim run`. It outlives the agent. */
export interface ShimProcess {
  dir: string;
  pid: number;
  exited: Promise<ShimExit>;
}

export interface Shims {
  /**
   * Makes `dir`, runs `argv` under the shim with exactly this environment; STOKER_LEASE in it names the lease that it belongs to. Rejects when the directory exists already (it was started
   * before: adopt it) or nothing could be started.
   */
  start(run: {
    dir: string;
    argv: string[];
    environment: Record<string, string>;
    cwd: string;
    confine?: Confine | undefined;
  }): Promise<ShimProcess>;
  /** One that an earlier agent started; undefined when `dir` was never made. */
  adopt(dir: string): Promise<ShimProcess | undefined>;
  /** SIGTERM goes on to all that it started; on SIGQUIT the shim kills all of it and writes the exit down; SIGKILL ends the shim itself. */
  signal(process: ShimProcess, signal: "SIGTERM" | "SIGQUIT" | "SIGKILL"): void;
}

// ---- mpi/ -------------------------------------------------------------------------------------------------------------------

/** The launcher side (`stoker-shim rsh` on the agent's socket) and the target side (daemons started under a lease of this node). */
export interface RemoteStarts {
  /** Serves the socket, for root alone, and the other for whoever has a lease's pass. Resolves when it listens. */
  listen(socketPath: string, openPath?: string): Promise<void>;
  received(
    message:
      | { case: "remoteStart"; value: RemoteStart }
      | { case: "remoteOutput"; value: RemoteOutput }
      | { case: "remoteExit"; value: RemoteExit }
      | { case: "remoteStop"; value: RemoteStop },
  ): void;
  /** The session is there again: what was not answered is asked again, and output resent from where the other side is. */
  connected(): void;
  /** A lease that a restarted agent found running: `<spool>/remote/*` are adopted. */
  adopt(lease: LeaseId): Promise<void>;
  /** Processes that launchers of other nodes have, or had, here for the lease, with what those have started. */
  ranks(lease: LeaseId): readonly RemoteRank[];
  /** The lease is stopping: no more starts. Its processes are killed by the agent with everything else of the lease. */
  leaseStopping(lease: LeaseId): void;
  /** The lease is gone: forget all about it. */
  leaseGone(lease: LeaseId): void;
  close(): Promise<void>;
}

/** A lease as remote starts see it. */
export interface RemoteLease {
  /** `<data>/spool/<leaseId>`: remote processes have `remote/<requestId>` in it. */
  spool: string;
  /** Expanded, complete. */
  environment: Record<string, string>;
  cwd: string;
  /** The words that become `argv` where its ranks are. */
  within(argv: string[]): string[];
  /** Its temp is its own: nobody else sees it. */
  contained: boolean;
  confine?: Confine | undefined;
  /** What its processes show at the socket that all accounts may open; undefined where they have none. */
  pass?: string | undefined;
}

/** Given to mpi/ by agent.ts. */
export interface RemoteHost {
  /** False when there is no session, or it is full: keep it and try at `connected` or later. */
  send(message: SessionMessage): boolean;
  /** Undefined unless this node holds the lease and its ranks may run (ready or running, not stopping). */
  lease(lease: LeaseId): RemoteLease | undefined;
  shims: Shims;
}
