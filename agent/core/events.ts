import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import type { LeaseId } from "../../shared/ids.js";
import type { Diagnosis } from "./diagnosis/diagnosis.js";
import type { Death } from "./diagnosis/remote.js";
import type { Failure, LeaseRun, PreparingStep } from "./lease-state.js";
import type { Monotonic } from "./time.js";
import type { Verdict, WitnessSet } from "./witness.js";

/** Bytes that a process wrote to each stream and that are not there: over the limit, or for want of room. */
export interface Dropped {
  stdout: number;
  stderr: number;
}

/** How a process under a shim ended. */
export interface RankExit {
  exitCode: number;
  signal: number;
  stdoutBytes: number;
  stderrBytes: number;
  /** Written, and not in its streams. */
  dropped?: Dropped;
  /** Set when the shim itself was killed: what the process had started may still be there. */
  lost?: string;
}

/** What happens to one lease. */
export type LeaseEvent =
  | { type: "step-finished"; step: PreparingStep; failure?: Failure }
  | { type: "preparation-exited"; exit: RankExit; errorTail: string }
  | { type: "start-ranks" }
  | { type: "rank-started"; rank: number; pid: number }
  | { type: "rank-exited"; rank: number; exit: RankExit; warnings?: readonly string[]; diagnosis?: Diagnosis }
  | { type: "rank-not-started"; rank: number; message: string }
  /** A launcher of another node has had a process started here. */
  | { type: "remote-used" }
  /** What launchers of other nodes had had started here, and has died. */
  | { type: "died-remotely"; deaths: readonly Death[] }
  /** `graceSeconds`: instead of the grant's. */
  | { type: "stop"; reason: string; graceful: boolean; graceSeconds?: number }
  /** Not ours any more: kill and clean. */
  | { type: "superseded" }
  | { type: "remains-killed" }
  | { type: "container-removed"; warnings?: readonly string[] }
  /** Somebody else removed it while it was in use. */
  | { type: "container-gone" }
  | { type: "copied"; warnings?: readonly string[] }
  | { type: "unmounted" }
  | { type: "acknowledged"; sequence: number }
  | { type: "logs-complete" }
  | { type: "not-recorded"; message: string }
  | { type: "renewed"; until: Monotonic }
  | { type: "turn-came" }
  /** The coordinator has something to say to those who read the job's files. */
  | { type: "noted"; text: string }
  /** The machine's owner wants it at once. */
  | { type: "owner-came" }
  | { type: "tick" };

/** What an earlier agent left of a lease, as the disk and the process table show it. */
export interface Found {
  preparation: FoundProcess;
  ranks: ReadonlyMap<number, FoundProcess>;
  /** False when the machine has been started anew since: nothing of it runs. */
  sameBoot: boolean;
}

export type FoundProcess =
  /** Never started. */
  | { state: "absent" }
  /** Runs, or has run: its exit will be told by an event. */
  | { state: "started"; pid: number };

export type AgentEvent =
  | { type: "grant"; grant: LeaseGrant }
  | { type: "lease"; lease: LeaseId; event: LeaseEvent }
  /** A session begins; `sentAt` is when Hello was sent, which counts as a heartbeat. */
  | { type: "welcome"; kept: ReadonlySet<LeaseId>; named: ReadonlySet<LeaseId>; sentAt: Monotonic; ttlMs: number }
  | { type: "heartbeat-sent"; sequence: bigint; at: Monotonic }
  | { type: "heartbeat-answered"; sequence: bigint; renewed: readonly LeaseId[]; superseded: readonly LeaseId[] }
  /** Before anything else, where this node takes part. `set` is what an earlier agent had on disk. */
  | { type: "witness-begins"; self: string; set: WitnessSet | undefined }
  /** On disk by now: the coordinator may be told. */
  | { type: "witness-set"; set: WitnessSet }
  /** Another node wants to know whether the coordinator is heard here → answer-witness */
  | { type: "witness-asked"; token: string }
  | { type: "witness-answered"; from: string; question: number; verdict: Verdict }
  /** By the policy file on this machine. */
  | { type: "owner"; isHere: boolean }
  | { type: "adopt"; run: LeaseRun; found: Found; expiresAt: Monotonic }
  | { type: "tick" };
