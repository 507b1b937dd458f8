import type { CallContext } from "../../shared/grpc.js";
import { type AuditNote, noteOf, type Origin } from "../core/access/audit.js";

interface Remembered {
  origin: Origin;
  /** Some commit has it. */
  isTold: boolean;
}

/** By the call's metadata, which a context that is made of another still has. */
const calls = new WeakMap<CallContext["metadata"], Remembered>();

export function remember({ metadata }: CallContext, origin: Origin): void {
  calls.set(metadata, { origin, isTold: false });
}

/** Of a call that changes something; undefined of others. */
export const originOf = ({ metadata }: CallContext): Origin | undefined => calls.get(metadata)?.origin;

/** More is known of a call than at its begin: who signs in, or which of many things it is about. */
export function amend({ metadata }: CallContext, more: Partial<Origin>): void {
  const call = calls.get(metadata);
  if (call) call.origin = { ...call.origin, ...more };
}

export function markTold({ metadata }: CallContext): void {
  const call = calls.get(metadata);
  if (call) call.isTold = true;
}

/** Once. */
export function note({ metadata }: CallContext, outcome: "ok", tell: (note: AuditNote) => void): void {
  const call = calls.get(metadata);
  if (!call || call.isTold) return;
  call.isTold = true;
  tell(noteOf(call.origin, outcome));
}
