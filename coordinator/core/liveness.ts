import type { LeaseId } from "../../shared/ids.js";
import type { GpuFault } from "./gpu-faults.js";
import type { OwnerTerms } from "./owner.js";
import type { Readiness } from "./preparation/readiness.js";
import type { Instant } from "./state.js";
import type { Coverage } from "./witnesses/coverage.js";

/** What is known of an agent's connection. Never stored: after a restart nobody has been heard. */
export interface Liveness {
  /** The stream that speaks for the node; empty when there is none. */
  readonly session: string;
  readonly heardAt: Instant;
  /** In the agent's words; empty when healthy. */
  readonly unhealthyReason: string;
  /** Leases it holds that the coordinator knows nothing of. It gets no work until they are gone. */
  readonly strangers: readonly LeaseId[];
  /** Those whose processes it has stopped, because it had not heard of us. */
  readonly frozen: readonly Frozen[];
  /** What it is at for its leases. */
  readonly doing?: readonly Doing[];
  /** Those of its GPUs that are less than healthy. */
  readonly gpuFaults?: readonly GpuFault[];
  /** What its owner does not allow; absent: nothing. */
  readonly owner?: OwnerTerms;
  /** It can test itself. */
  readonly tests?: boolean;
  /** The test that this session was told of. */
  readonly orderedTest?: string;
  /** Where other nodes may ask it about us; 0: it takes no part. */
  readonly witnessPort: number;
  /** Version of the witnesses that it says it holds. */
  readonly witnessSet: number;
  readonly coverage: Coverage;
  /** Given up with the session's first heartbeat, unless that names it. */
  readonly missing?: Missing;
  /** As this session's agent last said. */
  readonly preparation?: Preparation;
  /** Its state as views tell it, and since when. */
  readonly condition?: { readonly state: NodeCondition; readonly since: Instant };
}

/** Batch AI's states of a node, and those of one that serves no cluster. */
export type NodeCondition = "free" | "preparing" | "idle" | "running" | "leaving" | "unusable" | "lost";

/** How far the preparation of this name has come. */
export interface Preparation {
  readonly id: string;
  readonly state: Readiness;
}

/** What a node should hold and its hello did not name. */
export interface Missing {
  readonly leases: readonly LeaseId[];
  /** The machine was started anew. */
  readonly bootChanged: boolean;
  /** When it was heard last before. */
  readonly lastWordAt?: Instant;
}

export interface Frozen {
  readonly lease: LeaseId;
  readonly since: Instant;
  readonly reason: string;
}

/** A step of preparing or ending a lease, in the node's words. */
export interface Doing {
  readonly lease: LeaseId;
  readonly since: Instant;
  readonly step: string;
}
