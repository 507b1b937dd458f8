import { Fault } from "../../shared/fault.js";
import { exitCode, Failure } from "../failure.js";

/** The coordinator was reached, and says that a node was not. */
export function nodeFailure(error: unknown): unknown {
  const isOfNode =
    error instanceof Fault &&
    error.code === "unavailable" &&
    /^(?:node |no node |it is on |the file )/.test(error.message);
  if (isOfNode) return new Failure(exitCode.unreachable, error.message, { cause: error });
  if (error instanceof Fault && error.code === "permission-denied")
    return new Failure(exitCode.failed, error.message, { cause: error });
  return error;
}
