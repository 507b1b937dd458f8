import { status } from "@grpc/grpc-js";
import { Fault, type FaultCode } from "./fault.js";

/** How Faults travel as gRPC statuses. */
const statusOf: Record<FaultCode, status> = {
  "invalid-argument": status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  "already-exists": status.ALREADY_EXISTS,
  "failed-precondition": status.FAILED_PRECONDITION,
  "resource-exhausted": status.RESOURCE_EXHAUSTED,
  "permission-denied": status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  unavailable: status.UNAVAILABLE,
  "deadline-exceeded": status.DEADLINE_EXCEEDED,
  "out-of-range": status.OUT_OF_RANGE,
  internal: status.INTERNAL,
};

const faultOf = new Map<number, FaultCode>(
  Object.entries(statusOf).map(([code, number]) => [number, code as FaultCode]),
);
faultOf.set(status.CANCELLED, "unavailable");
faultOf.set(status.UNIMPLEMENTED, "internal");
faultOf.set(status.UNKNOWN, "internal");
faultOf.set(status.DATA_LOSS, "internal");

type Wire = { code: status; details: string };

/** As a gRPC status has it, for Faults that are told inside an answer. */
export const numberOfFault = ({ code }: Fault): number => statusOf[code];

/** The reverse: what a number inside a message stands for. */
export const codeOfNumber = (number: number): FaultCode => faultOf.get(number) ?? "internal";

/** What the caller is told of an error; `report` is told the rest. */
export function toWire(error: unknown, report: (error: unknown) => void): Wire {
  if (error instanceof Fault) {
    if (!isCallersAlone(error.cause)) report(error);
    return { code: statusOf[error.code], details: forHeader(error.message) };
  }
  report(error);
  return { code: status.INTERNAL, details: "the coordinator failed on this call; its log says why" };
}

/** A mistake that was said again in other words is still the caller's, and nothing for the log. */
const isCallersAlone = (cause: unknown): boolean =>
  cause === undefined || (cause instanceof Fault && isCallersAlone(cause.cause));

/** Headers that are longer than some 64 KiB, each letter by up to nine, are refused by the caller's side. */
const detailsMax = 4_000;

/** As it can go out as a header: short enough, and without half letters, over which grpc-js would throw where nobody catches. */
const forHeader = (text: string) => text.slice(0, detailsMax).replace(/\p{Surrogate}/gu, "\ufffd");

/** A Fault of a failed call, with the same code that the server threw. */
export function fromWire(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { code, details } = error as Partial<Wire>;
  if (typeof code === "number") {
    // grpc-js says INTERNAL too when a connection is cut under a call, which a restart of the coordinator mends.
    const cut = code === status.INTERNAL && /RST_STREAM|session/i.test(details ?? "");
    const fault = cut ? "unavailable" : (faultOf.get(code) ?? "unavailable");
    return new Fault(fault, details ?? "the call failed", { cause: error });
  }
  return new Fault("unavailable", error instanceof Error ? error.message : String(error), { cause: error });
}
