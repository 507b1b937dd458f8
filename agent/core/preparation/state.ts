import type { AdminAccountPlan, SetupTaskPlan } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { MountPlan } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { Failure } from "../lease-state.js";
import type { Monotonic } from "../time.js";

/** What the coordinator wants of this node for its cluster. */
export interface PreparationPlan {
  /** Another id is another membership, or another try: everything is done anew. Empty: the node is in no cluster. */
  readonly id: string;
  readonly mounts: readonly MountPlan[];
  readonly account: AdminAccountPlan | undefined;
  readonly task: SetupTaskPlan | undefined;
  /** Equal for equal setup tasks; says nothing of its secrets. */
  readonly digest: string;
}

/** What is kept on disk, so that a later agent does nothing twice. */
export interface PreparationRecord {
  readonly id: string;
  readonly boot: string;
  readonly digest: string;
  readonly task: TaskRecord;
}

/** `run` names the folder of its output, and its process. */
export type TaskRecord =
  | {
      readonly run: string;
      readonly state: "running";
      readonly since: Monotonic;
      readonly limitMs: number;
      readonly graceMs: number;
    }
  | { readonly run: string; readonly state: "succeeded" }
  | { readonly run: string; readonly state: "failed"; readonly fault: Failure };

/** See step.ts for the drawing. */
export type PreparationStep =
  /** This agent has not been told anything yet. */
  | { readonly kind: "untold" }
  | { readonly kind: "free" }
  | { readonly kind: "clearing" }
  /** With a fault: it is tried again. */
  | { readonly kind: "mounting"; readonly fault?: Failure }
  | { readonly kind: "account" }
  | { readonly kind: "task" }
  | { readonly kind: "ready" }
  /** `retry`: nothing was begun, and it is tried again by itself. */
  | { readonly kind: "failed"; readonly fault: Failure; readonly retry?: true };

export interface TaskEnd {
  readonly exitCode: number;
  readonly signal: number;
  /** Set when its shim was killed, so that the real end is not known. */
  readonly lost?: string;
  /** The end of its standard error. */
  readonly errorTail: string;
}

export interface PreparationState {
  readonly node: string;
  readonly boot: string;
  readonly step: PreparationStep;
  readonly since: Monotonic;
  /** An effect of this step is under way. */
  readonly busy: boolean;
  /** Counts the plans: what answers to an earlier one is not listened to. */
  readonly turn: number;
  readonly plan?: PreparationPlan;
  readonly record?: PreparationRecord;
  /** The process of the record's task. */
  readonly process: "none" | "running" | "ending";
  /** It ended before the plan was told again: only that knows which words of it are secret. */
  readonly ended?: TaskEnd;
  readonly retryAt?: Monotonic;
  readonly warnings: readonly string[];
}

export type PreparationEvent =
  /** Before anything else: what an earlier agent has left, and whether its task was ever begun, and has ended. */
  | { type: "found"; record: PreparationRecord | undefined; process: "absent" | "live" | "ended" }
  | { type: "ordered"; plan: PreparationPlan }
  | { type: "mounted"; turn: number; fault?: Failure }
  | { type: "accounts-cleared"; turn: number; warning?: string }
  | { type: "account-made"; turn: number; warning?: string }
  | { type: "task-not-started"; run: string; message: string }
  | { type: "task-ended"; run: string; end: TaskEnd }
  | { type: "warned"; run: string; warning: string }
  | { type: "not-recorded"; message: string }
  | { type: "tick" };

/** Done in their order; each that names no event is done when it returns. */
export type PreparationEffect =
  /** On disk when it returns; else → not-recorded, and what it says is about to begin is not begun. */
  | { type: "record"; record: PreparationRecord | undefined }
  /** → mounted */
  | { type: "set-mounts"; turn: number; mounts: readonly MountPlan[] }
  /** Accounts that were made for another cluster are locked → accounts-cleared */
  | { type: "clear-accounts"; turn: number; keep: string }
  /** → account-made */
  | { type: "make-account"; turn: number; id: string; account: AdminAccountPlan }
  /** → task-ended or task-not-started */
  | { type: "start-task"; run: string; task: SetupTaskPlan }
  /** → task-ended */
  | { type: "adopt-task"; run: string }
  /** Of an adopted task: where its output goes is known by now. */
  | { type: "follow-output"; run: string; task: SetupTaskPlan }
  /** With everything that it has started → task-ended */
  | { type: "end-task"; run: string; graceMs: number }
  /** → warned, when something went wrong */
  | { type: "finish-output"; run: string }
  /** A line of the execution log. */
  | { type: "note"; text: string }
  /** The coordinator is to hear how far it is. */
  | { type: "report" };

export const unprepared = (node: string, boot: string, now: Monotonic): PreparationState => ({
  ...{ node, boot, step: { kind: "untold" }, since: now },
  ...{ busy: false, turn: 0, process: "none", warnings: [] },
});

/** When `tick` is due though nothing happens. */
export function nextPreparationTick({ retryAt, process, record }: PreparationState): Monotonic | undefined {
  const task = record?.task;
  const limit = process === "running" && task?.state === "running" ? task.since + task.limitMs : undefined;
  if (retryAt === undefined || limit === undefined) return retryAt ?? limit;
  return Math.min(retryAt, limit);
}
