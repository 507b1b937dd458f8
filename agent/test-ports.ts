import type { PeerTestOrder, PeerTestResult, TestOrder } from "../shared/gen/stoker/v1/agent_service_pb.js";
import type { SessionMessage } from "./ports.js";

/** What tests of this machine need, and what they are to the agent. See ports.ts. */

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

/** Given to tests/ by agent.ts. */
export interface TestsHost {
  nodeName: string;
  /** What other nodes call this one. */
  address: string;
  send(message: SessionMessage): void;
  /** How this GPU did: one that failed is out of service until it passes. */
  tested(uuid: string, failure: string | undefined): void;
  /** What is wrong with it by its last reading; "" when nothing is that keeps it out of service. */
  fault(uuid: string): string;
}
