import type { PeerTestResult, TestServe } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ToAgent } from "./messages.js";

/** The test that is going on at a node. */
export interface LiveTest {
  readonly id: string;
  readonly address: string;
  readonly quick: boolean;
  readonly peers: readonly string[];
  /** Its nodes are agents of one machine. */
  readonly oneMachine: boolean;
}

export interface PeerTestsHost {
  test(node: string): LiveTest | undefined;
  send(node: string, message: ToAgent): boolean;
  /** Nothing more is started for it. */
  over(testId: string): void;
  refused(node: string, reason: string): void;
}

/**
 * How nodes that measure the network between them learn of each other: the one that is tested starts MPI's ranks on its peers, as launchers of jobs do,
 * or it listens, and its peers connect.
 */
export class PeerTests {
  constructor(private readonly host: PeerTestsHost) {}

  pass(
    node: string,
    message: { case: "testServe"; value: TestServe } | { case: "peerTestResult"; value: PeerTestResult },
  ): void {
    if (message.case === "testServe") this.serves(node, message.value);
    else this.measured(node, message.value);
  }

  private serves(node: string, { testId, port, token, mpi, over, peers }: TestServe): void {
    const test = this.host.test(node);
    if (test?.id !== testId) {
      this.host.refused(node, `test ${testId.slice(0, 80)} is not going on`);
      return;
    }
    const { address, quick, oneMachine } = test;
    if (over) this.host.over(testId);
    for (const peer of test.peers) {
      if (peers.length > 0 && !peers.includes(peer)) continue;
      const value = { testId, node, address, port, token, quick, mpi, over, oneMachine };
      this.host.send(peer, { case: "peerTestOrder", value });
    }
  }

  private measured(peer: string, { testId, node, check, mpi }: PeerTestResult): void {
    const test = this.host.test(node);
    if (test?.id !== testId || !test.peers.includes(peer) || !check) {
      this.host.refused(peer, `it has no part in test ${testId.slice(0, 80)}`);
      return;
    }
    this.host.send(node, { case: "peerTestResult", value: { testId, node, check: { ...check, peer }, mpi } });
  }
}
