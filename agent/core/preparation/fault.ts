import type { Failure } from "../lease-state.js";
import { withoutSecrets } from "../without-secrets.js";
import type { TaskEnd } from "./state.js";

export function setupFault(node: string, why: string, details: Failure["details"] = []): Failure {
  const message = `the setup task failed on node ${node}: ${why}`;
  return { code: "SetupTaskFailed", message, details: [{ name: "Node", value: node }, ...details] };
}

/** Undefined when it ended well. */
export function faultOfEnd(
  node: string,
  { exitCode, signal, lost, errorTail }: TaskEnd,
  secrets: ReadonlyArray<{ value: string }>,
): Failure | undefined {
  if (exitCode === 0 && lost === undefined) return undefined;
  const told = withoutSecrets(errorTail, secrets);
  return setupFault(node, reasonOf(exitCode, signal, lost), [
    { name: "ExitCode", value: String(exitCode) },
    ...(told === "" ? [] : [{ name: "Stderr", value: told }]),
  ]);
}

function reasonOf(exitCode: number, signal: number, lost: string | undefined): string {
  if (lost !== undefined) return `its end is not known: ${lost}`;
  return signal > 0 ? `it was ended by signal ${signal}` : `it ended with exit code ${exitCode}`;
}
