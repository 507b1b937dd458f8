import type { JobId } from "../../../shared/ids.js";
import type { GpuFault } from "../gpu-faults.js";
import type { NodeHealth } from "../health/record.js";
import type { Liveness } from "../liveness.js";
import type { World } from "../memory.js";
import type { Instant, Job, Node } from "../state.js";
import type { Room, Usage } from "../usage.js";

/** Why one node can't take one job now. */
export interface Blocked {
  /** The check's name. */
  readonly check: string;
  readonly message: string;
  readonly heldBy?: readonly JobId[];
}

/** A node, with what is known of it at this moment. */
export interface Candidate {
  readonly node: Node;
  readonly liveness: Liveness | undefined;
  readonly usage: Usage;
  readonly room: Room;
  /** What keeps GPUs of it from serving as others do. */
  readonly gpuFaults: readonly GpuFault[];
  readonly health: NodeHealth | undefined;
}

export type Check = (
  job: Job,
  candidate: Candidate,
  at: { readonly world: World; readonly now: Instant },
) => Blocked | undefined;

/** Why a job may not start now, wherever its nodes are. What it holds back stands in nobody's way. */
export type JobCheck = (job: Job, world: World) => Blocked | undefined;

export const holdersOf = (usage: Usage): JobId[] => [...new Set(usage.holders.map(({ job }) => job))];
