import { Fault } from "../../shared/fault.js";
import type { CallContext } from "../../shared/grpc.js";
import { type AuditNote, noteOf, type Origin } from "../core/access/audit.js";
import { oneLine } from "../core/access/request-field.js";

interface Remembered {
  origin: Origin;
  /** Some commit has it. */
  isTold: boolean;
  /** Why not, of what the audit log has so: a call that is about several may have several. */
  refusals: Set<unknown>;
}

/** By the call's metadata, which a context that is made of another still has. */
const calls = new WeakMap<CallContext["metadata"], Remembered>();

export function remember({ metadata }: CallContext, origin: Origin): void {
  calls.set(metadata, { origin, isTold: false, refusals: new Set() });
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

/** Once, and not of a call of which nothing but refusals came. */
export function note({ metadata }: CallContext, outcome: "ok", tell: (note: AuditNote) => void): void {
  const call = calls.get(metadata);
  if (!call || call.isTold || call.refusals.size > 0) return;
  call.isTold = true;
  tell(noteOf(call.origin, outcome));
}

/** Each once. `target`: which of many things it was about. */
export function noteRefused(
  { metadata }: CallContext,
  error: unknown,
  tell: (note: AuditNote) => void,
  target?: string,
): void {
  const call = calls.get(metadata);
  if (!call || call.refusals.has(error)) return;
  call.refusals.add(error);
  const origin = target === undefined ? call.origin : { ...call.origin, target: oneLine(target) };
  tell(noteOf(origin, error instanceof Fault ? error.code : "internal"));
}
