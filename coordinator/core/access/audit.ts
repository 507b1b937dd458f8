import type { FaultCode } from "../../../shared/fault.js";
import type { Draft } from "../draft.js";
import type { Instant } from "../state.js";
import type { UserCaller } from "./caller.js";

/** Who asks for a change, and with what words. */
export interface Origin {
  /** Absent of who has not shown it, as when signing in. */
  readonly caller?: UserCaller | undefined;
  /** How they have shown who they are. */
  readonly credential: string;
  /** `JobService.CreateJob` */
  readonly verb: string;
  /** Id of what it is about. */
  readonly target: string;
  /** Without secrets. */
  readonly summary: string;
  readonly peer: string;
}

/** One call that changed something, or was to. Written, not kept in memory. */
export interface AuditEntry {
  /** Counts up over the catalog's whole life. */
  readonly entry: number;
  readonly at: Instant;
  /** Name at that time; empty of who has not shown one. */
  readonly user: string;
  readonly credential: string;
  readonly verb: string;
  readonly target: string;
  readonly summary: string;
  readonly peer: string;
  readonly outcome: "ok" | FaultCode;
}

/** One that comes with no change of its own. */
export type AuditNote = Omit<AuditEntry, "entry" | "at">;

/** Goes into the commit of whatever else the step changes. */
export function audit(draft: Draft, note: AuditNote): void {
  draft.put("audit-entry", { ...note, entry: draft.world.access.next.auditEntry, at: draft.now });
}

export const noteOf = (
  { caller, credential, verb, target, summary, peer }: Origin,
  outcome: AuditNote["outcome"],
): AuditNote => ({ user: caller?.name ?? "", credential, verb, target, summary, peer, outcome });
