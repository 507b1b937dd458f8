import type { NodeFault as Told } from "../../../shared/gen/stoker/v1/node_pb.js";
import { cut } from "../cut.js";
import type { Instant } from "../state.js";

/** What a node says is wrong with itself as a whole. Heard, and kept as a failure while it lasts. */
export interface NodeFault {
  readonly rule: string;
  readonly message: string;
  readonly since: Instant;
}

const faultsMax = 32;

export function narrowNodeFaults(told: readonly Told[], now: Instant): NodeFault[] {
  return told.slice(0, faultsMax).map(({ rule, message, since }) => {
    const at = Number(since?.seconds ?? 0n) * 1000;
    return { rule: cut(rule, 64), message: cut(message, 500), since: at > 0 && at <= now ? at : now };
  });
}
