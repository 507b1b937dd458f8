import type { KernelMessage } from "../../kernel/message.js";
import type { Instant } from "../../time.js";
import type { MachineSeen } from "./machine.js";

/** The kernel's messages of one kind, since some time. */
export function said<K extends KernelMessage["kind"]>(
  { kernel }: MachineSeen,
  kind: K,
  since = Number.NEGATIVE_INFINITY,
): Array<{ at: Instant; message: Extract<KernelMessage, { kind: K }> }> {
  return kernel.flatMap(({ at, message }) =>
    message.kind === kind && at >= since ? [{ at, message: message as Extract<KernelMessage, { kind: K }> }] : [],
  );
}
