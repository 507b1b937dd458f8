import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type { PeerTestOrder, PeerTestResult, TestOrder } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { TestCheck } from "../../shared/gen/stoker/v1/node_pb.js";
import type { TestLease, TestsHost } from "../health-ports.js";
import { type Check, checkMessage, outcomeOf } from "./check.js";
import { launchersOf, type MpiResult, type PeerAnswer, pingPongs } from "./mpi/mpi-network.js";
import { mpiChecks, tcpChecks } from "./network-checks.js";
import { measure, overTcp } from "./tcp.js";

/** How long a peer may take to say what it has. */
const answerMs = 60_000;
/** Whatever becomes of the agent meanwhile, nothing of it runs longer. */
const leaseMs = { quick: 170_000, full: 600_000 };

/** The network between this node and its peers: by MPI where they have it, and by TCP where not. */
export class NetworkTests {
  private readonly replies = new Map<string, (result: PeerTestResult) => void>();
  /** Of other nodes' tests, in which this one takes part. */
  private readonly taking = new Map<string, TestLease>();

  constructor(
    private readonly host: TestsHost,
    private readonly program: string,
    private readonly log: Logger,
  ) {}

  async checks(order: TestOrder, signal: AbortSignal): Promise<Check[]> {
    const { nodeName } = this.host;
    const { found, checks, left } = await this.byMpi(order, signal);
    const measured = [...found.flatMap((each) => mpiChecks(nodeName, each, isOneMachine(order))), ...checks];
    if (left.size === 0 || signal.aborted) return measured;
    const why = [...new Set(left.values())].join("; ").slice(0, 400);
    const without: Check = {
      ...{ name: "mpi", gpuUuid: "", outcome: "skipped", numbers: {} },
      message: `measured by TCP to ${[...left.keys()].join(", ")}: ${why}`,
    };
    return [...measured, without, ...tcpChecks(nodeName, await this.byTcp(order.testId, [...left.keys()], signal))];
  }

  /** What a peer has told of a test of this node. */
  replied(result: PeerTestResult): void {
    if (!result.check) return;
    const { peer, name } = result.check;
    // An agent that does not know the question answers another one.
    const asked = [`${result.testId} ${peer} ${name}`, `${result.testId} ${peer} mpi`];
    const key = asked.find((each) => this.replies.has(each));
    if (key === undefined) return;
    this.replies.get(key)?.(result);
    this.replies.delete(key);
  }

  /** This node is the peer. */
  async ordered(order: PeerTestOrder): Promise<void> {
    const { testId, node } = order;
    if (order.over) await this.leave(testId);
    else if (order.mpi) {
      const { flavours, message } = await this.takePart(order);
      const check = checkMessage({
        ...{ name: "mpi", gpuUuid: "", numbers: {}, message },
        outcome: flavours.length === 0 ? "skipped" : "passed",
      });
      this.host.send({ case: "peerTestResult", value: { testId, node, check, mpi: flavours } });
    } else {
      const check = checkMessage(await measure(this.program, order, this.host.nodeName));
      this.host.send({ case: "peerTestResult", value: { testId, node, check } });
    }
  }

  private async takePart(order: PeerTestOrder): Promise<{ flavours: string[]; message: string }> {
    try {
      // Asked again, when its first order was lost with a connection.
      await this.leave(order.testId);
      const lease = await this.open(order.testId, order.quick, order.oneMachine);
      this.taking.set(order.testId, lease);
      this.leaveLater(order.testId, lease, leaseMs[order.quick ? "quick" : "full"]);
      const launchers = await launchersOf(lease);
      const { nodeName } = this.host;
      return {
        flavours: launchers.map(({ flavour }) => flavour),
        message: launchers.length === 0 ? `${nodeName} has no MPI` : "",
      };
    } catch (error) {
      return { flavours: [], message: `${this.host.nodeName}: ${this.inWords(error)}` };
    }
  }

  private async leave(testId: string): Promise<void> {
    const lease = this.taking.get(testId);
    this.taking.delete(testId);
    await lease?.close();
  }

  /** The word that it is over may never come. */
  private leaveLater(testId: string, lease: TestLease, afterMs: number): void {
    const leave = () => {
      if (this.taking.get(testId) !== lease) return;
      this.leave(testId).catch((error: unknown) => this.log.error({ err: error }, "a part in a test was not ended"));
    };
    setTimeout(leave, afterMs).unref();
  }

  private async byMpi(order: TestOrder, signal: AbortSignal): Promise<MpiResult> {
    const { testId, peers, quick } = order;
    const nothing = (why: string): MpiResult => ({
      ...{ found: [], checks: [], left: new Map(peers.map((peer) => [peer, why])) },
    });
    const hosts = new Map(order.hosts.map(({ node, host }) => [node, host]));
    if (hosts.size < 2) return nothing("the coordinator does not know of tests by MPI");
    const oneMachine = isOneMachine(order);
    let lease: TestLease | undefined;
    try {
      lease = await this.open(testId, quick, oneMachine, signal);
      const answers = peers.map((peer) => this.answer(testId, peer));
      this.host.send({ case: "testServe", value: { testId, mpi: true } });
      return await pingPongs({
        ...{ program: this.program, tested: this.host.nodeName, hosts, oneMachine, quick, lease },
        answers: await Promise.all(answers),
      });
    } catch (error) {
      return nothing(this.inWords(error));
    } finally {
      this.host.send({ case: "testServe", value: { testId, over: true } });
      await lease?.close();
    }
  }

  private open(testId: string, quick: boolean, oneMachine: boolean, signal?: AbortSignal): Promise<TestLease> {
    const limitMs = leaseMs[quick ? "quick" : "full"];
    return this.host.lease({ testId, limitMs, oneMachine, ...(signal ? { signal } : {}) });
  }

  private async answer(testId: string, peer: string): Promise<PeerAnswer> {
    const key = `${testId} ${peer} mpi`;
    const silent: PeerAnswer = { peer, flavours: [], message: `${peer} did not say in time whether it has MPI` };
    return new Promise((resolve) => {
      const limit = setTimeout(() => {
        this.replies.delete(key);
        resolve(silent);
      }, answerMs);
      this.replies.set(key, ({ mpi, check }) => {
        clearTimeout(limit);
        const isOld = check?.name !== "mpi";
        const message = isOld ? `the agent of ${peer} knows no tests by MPI` : check.message;
        resolve({ peer, flavours: mpi, message });
      });
    });
  }

  private byTcp(testId: string, peers: readonly string[], signal: AbortSignal): Promise<Check[]> {
    return overTcp(this.program, peers, {
      serve: (port, token) => this.host.send({ case: "testServe", value: { testId, port, token, peers: [...peers] } }),
      result: (peer) =>
        new Promise((resolve) => {
          this.replies.set(`${testId} ${peer} network`, ({ check }) => check && resolve(networkCheck(check)));
        }),
      signal,
    });
  }

  private inWords(error: unknown): string {
    if (!(error instanceof Fault)) this.log.error({ err: error }, "a test by MPI could not be made");
    return error instanceof Error ? error.message : String(error);
  }
}

const isOneMachine = ({ hosts }: TestOrder) => hosts.every(({ node, host }) => node === host);

const networkCheck = ({ peer, outcome, message, numbers }: TestCheck): Check => ({
  ...{ name: "network", gpuUuid: "", peer, outcome: outcomeOf(outcome) ?? "skipped", message, numbers },
});
