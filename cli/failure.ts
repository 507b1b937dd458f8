import { Fault, type FaultCode } from "../shared/fault.js";
import { whyUnreachable } from "../shared/unreachable.js";

/** What a script can tell apart. `job wait` and `run` end with the job's own code instead. */
export const exitCode = { ok: 0, failed: 1, usage: 2, unreachable: 3, notFound: 4, interrupted: 130 } as const;

/** Ends the program with one line on stderr: what, where, what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  constructor(
    readonly exitCode: number,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export const usage = (message: string) => new Failure(exitCode.usage, message);

const codes: Record<FaultCode, number> = {
  "invalid-argument": exitCode.usage,
  "out-of-range": exitCode.usage,
  "not-found": exitCode.notFound,
  unavailable: exitCode.unreachable,
  "deadline-exceeded": exitCode.unreachable,
  unauthenticated: exitCode.unreachable,
  "permission-denied": exitCode.unreachable,
  "already-exists": exitCode.failed,
  "failed-precondition": exitCode.failed,
  "resource-exhausted": exitCode.failed,
  internal: exitCode.failed,
};

/** A failed call as its user should read it. */
export function failureOf(fault: Fault, address: string): Failure {
  const code = codes[fault.code];
  if (fault.code === "deadline-exceeded") {
    return new Failure(code, `no answer from the coordinator at ${address} in time; ${remedy}`, { cause: fault });
  }
  if (fault.code === "internal") {
    return new Failure(code, `the coordinator at ${address}: ${fault.message}`, { cause: fault });
  }
  if (fault.code === "unavailable") {
    return new Failure(code, `cannot reach the coordinator at ${address} (${reasonOf(fault)}); ${remedy}`, {
      cause: fault,
    });
  }
  if (fault.code === "unauthenticated") {
    return new Failure(code, `the coordinator at ${address} refused: ${fault.message}`, { cause: fault });
  }
  return new Failure(code, fault.message, { cause: fault });
}

/** What the network said, without gRPC's words around it. */
function reasonOf({ message }: Fault): string {
  const reason = whyUnreachable(message);
  if (/does not speak TLS$/.test(reason)) return `${reason}, so nothing was said to it`;
  if (/self.signed certificate|unable to (verify|get)|certificate signature failure/i.test(reason)) {
    return "its certificate is not of the authority that you believe: is it the right coordinator, and the right --authority-file?";
  }
  return reason;
}

const remedy = "start it, or name another with --coordinator, STOKER_COORDINATOR or a profile";

/** True when the same call may succeed once the coordinator is back. */
export function isTransient(error: unknown): error is Fault {
  return error instanceof Fault && error.code === "unavailable";
}
