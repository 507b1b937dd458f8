/** The closed list of codes, equal in meaning to gRPC's status codes of the same names. */
export type FaultCode =
  | "invalid-argument"
  | "not-found"
  | "already-exists"
  | "failed-precondition"
  | "resource-exhausted"
  | "permission-denied"
  | "unauthenticated"
  | "unavailable"
  | "deadline-exceeded"
  | "out-of-range"
  /** Only received: the other side failed on a call by its own fault. Trying again would not help. */
  | "internal";

/**
 * The caller's mistake, or a condition that the caller can wait for or mend. The message says what, where and what to do;
 * `cause` is for the log and is never sent to the caller.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  constructor(
    readonly code: FaultCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
