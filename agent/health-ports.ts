import type { PeerTestOrder, PeerTestResult, TestOrder } from "../shared/gen/stoker/v1/agent_service_pb.js";
import type { Gpu } from "../shared/gen/stoker/v1/node_pb.js";
import type { Instant } from "./core/time.js";
import type { SessionMessage } from "./ports.js";

/** How this machine is, and how it is tested: see ports.ts. */

export interface GpuFault {
  uuid: string;
  state: "suspect" | "draining" | "failed";
  rule: string;
  /** One sentence, with what to do. */
  message: string;
  since: Instant;
}

/** What makes the machine as a whole unfit for work. */
export interface NodeFault {
  rule: string;
  message: string;
  since: Instant;
}

export interface GpuHealthSource {
  /** These are watched from now on. */
  offer(gpus: readonly Gpu[]): void;
  /** `held`: uuids of those that leases hold now. */
  start(held: () => ReadonlySet<string>): void;
  /** Those that are less than healthy. */
  faults(): GpuFault[];
  /** In words, when nobody knows how they are; "" otherwise. */
  problem(): string;
  /** What is wrong with the machine as a whole. */
  nodeFaults(): readonly NodeFault[];
  /** Nobody has looked at them yet. */
  unread(): boolean;
  /** What keeps it out of service, in words; "" when nothing does. */
  fault(uuid: string): string;
  /** How it did in a test: one that failed is out of service until it passes. */
  tested(uuid: string, failure: string | undefined): void;
  close(): void;
}

/** This machine tried out: its GPUs, its memory, its network. In processes of their own, each with a time limit. */
export interface NodeTests {
  received(
    message:
      | { case: "testOrder"; value: TestOrder }
      | { case: "peerTestOrder"; value: PeerTestOrder }
      | { case: "peerTestResult"; value: PeerTestResult },
  ): void;
  /** In words, when one of them may not be used; "" when they passed, or could not be tested. */
  beforeStart(gpuUuids: readonly string[], signal: AbortSignal): Promise<string>;
  close(): void;
}

/** Processes of a test, as a job's would run: as its account, fenced, and found again. Launchers of MPI start them on the test's other nodes, too. */
export interface TestLease {
  /** What `bash -c` takes. Without a code when it was ended, for want of an end or because nobody wants it any more. */
  run(text: string, limitMs: number): Promise<{ code: number | undefined; stdout: string; stderr: string }>;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}

export interface TestLeaseWish {
  testId: string;
  limitMs: number;
  /** Its nodes are agents of one machine. */
  oneMachine: boolean;
  signal?: AbortSignal;
}

/** Given to tests/ by agent.ts. */
export interface TestsHost {
  nodeName: string;
  /** What other nodes call this one. */
  address: string;
  send(message: SessionMessage): void;
  /** Rejects with a Fault where no process may run for it. */
  lease(wish: TestLeaseWish): Promise<TestLease>;
  /** How this GPU did: one that failed is out of service until it passes. */
  tested(uuid: string, failure: string | undefined): void;
  /** As nvidia-smi counts. */
  index(uuid: string): number;
  /** What is wrong with it by its last reading; "" when nothing is that keeps it out of service. */
  fault(uuid: string): string;
}
