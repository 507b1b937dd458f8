import type { Job } from "./state.js";

/**
 * W3C trace context of jobs. A job is one trace: that which it was submitted in, or else one named by its own UUID. Every id follows from the
 * job, so that a coordinator that is started anew goes on with the same trace, and attempts can be told theirs before anything is recorded.
 */

const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

export interface TraceContext {
  readonly traceId: string;
  /** Of whoever submitted it; absent: the job is the root. */
  readonly parentSpanId?: string;
}

/** `00-<trace>-<span>-<flags>`; undefined for what is none. */
export function admitTraceParent(text: string | undefined): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined;
}

export function traceOf({ uuid, traceParent }: Pick<Job, "uuid" | "traceParent">): TraceContext {
  const [, traceId, parentSpanId] = pattern.exec(traceParent ?? "") ?? [];
  if (traceId === undefined || parentSpanId === undefined) return { traceId: uuid.replaceAll("-", "") };
  return { traceId, parentSpanId };
}

/** Of a part of the job's trace, such as `attempt 2`. */
export function spanIdOf({ uuid }: Pick<Job, "uuid">, part: string): string {
  const text = `${uuid} ${part}`;
  // FNV-1a of 64 bits: ids must differ, and need not be secret.
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return (hash === 0n ? 1n : hash).toString(16).padStart(16, "0");
}

/** What the user's program may go on with: it runs within its attempt. */
export const traceParentOf = (job: Job, attempt: number) =>
  `00-${traceOf(job).traceId}-${spanIdOf(job, `attempt ${attempt} run`)}-01`;
