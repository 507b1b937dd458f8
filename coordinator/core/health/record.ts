import type { NodeId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";

/** What is remembered of a machine's health, whatever its agent says now: one row for each node that ever had anything to remember. */
export interface NodeHealth {
  readonly node: NodeId;
  /** Oldest first; bounded for the machine and for each of its GPUs. */
  readonly failures: readonly Failure[];
  /** GPUs that were out of service, and have not come back yet. */
  readonly out: readonly OutOfService[];
  /** Forced back by an operator: until the agent no longer says so, this of this GPU keeps nobody away. */
  readonly overlooked: ReadonlyArray<{ readonly uuid: string; readonly rule: string }>;
  /** Oldest first; the last may be going on. */
  readonly tests: readonly NodeTest[];
  readonly testCount: number;
}

export interface Failure {
  /** Empty: of the machine as a whole. */
  readonly uuid: string;
  readonly rule: string;
  readonly message: string;
  readonly since: Instant;
  /** Absent: it lasts. */
  readonly until?: Instant;
}

export interface OutOfService {
  readonly uuid: string;
  readonly state: "draining" | "failed";
  readonly rule: string;
  readonly message: string;
  readonly since: Instant;
  /** When a test on its way back was last begun. */
  readonly testedAt?: Instant;
}

/**
 *   waiting ──(its GPUs are free)──▶ running ──(result)──▶ passed | failed
 *      └────────────────────────────────┴──(no result in time, its node is gone)──▶ given up
 */
export interface NodeTest {
  readonly id: string;
  readonly purpose: "operator" | "return";
  readonly state: "waiting" | "running" | "passed" | "failed" | "given up";
  readonly uuids: readonly string[];
  readonly quick: boolean;
  /** Names of nodes to which the network is measured. */
  readonly peers: readonly string[];
  readonly askedAt: Instant;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  /** One sentence. */
  readonly summary: string;
  readonly checks: readonly TestCheck[];
}

export interface TestCheck {
  readonly name: string;
  readonly uuid: string;
  readonly peer: string;
  /** The node at this end, where that is not the one that is tested; absent in those of earlier releases. */
  readonly from?: string;
  readonly outcome: "passed" | "warned" | "failed" | "skipped";
  readonly message: string;
  readonly numbers: Readonly<Record<string, number>>;
}

export const newNodeHealth = (node: NodeId): NodeHealth => ({
  ...{ node, failures: [], out: [], overlooked: [], tests: [], testCount: 0 },
});

/** The one that waits or runs. */
export function activeTest(health: NodeHealth | undefined): NodeTest | undefined {
  const last = health?.tests.at(-1);
  return last?.state === "waiting" || last?.state === "running" ? last : undefined;
}
