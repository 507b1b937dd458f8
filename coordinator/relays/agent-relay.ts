import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../shared/fault.js";
import type { RelayRequest, RelayResponseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Duplex } from "../../shared/grpc.js";
import { codeOfNumber } from "../../shared/status.js";

type Response = MessageInitShape<typeof RelayResponseSchema>;
type Message = Exclude<RelayRequest["message"], { case: undefined | "hello" | "refusal" }>;

/** The agent's side of a relay. */
export class AgentRelay {
  /** Resolves when the stream is to be ended. */
  readonly over: Promise<void>;
  private end!: () => void;
  private wake: () => void = () => undefined;
  private ended = false;
  private complete = false;

  constructor(
    readonly node: string,
    private readonly stream: Duplex<RelayRequest, Response>,
    private readonly requests: AsyncIterator<RelayRequest>,
    broken: AbortSignal,
  ) {
    this.over = new Promise((resolve) => {
      this.end = () => {
        this.ended = true;
        resolve();
        this.wake();
      };
    });
    broken.addEventListener("abort", this.end, { once: true });
    if (broken.aborted) this.end();
  }

  /** What the agent sends, read no faster than it is taken. Throws a Fault when the agent refuses, or goes away before it has said all. */
  async *messages(): AsyncGenerator<Message> {
    while (!this.ended) {
      const next = await this.next();
      if (next === undefined || next.done) break;
      const { message } = next.value;
      if (message.case === "refusal") {
        this.complete = true;
        throw new Fault(codeOfNumber(message.value.code), message.value.message);
      }
      if (message.case === undefined || message.case === "hello") continue;
      // The last of a process, of a file or directory, and of a look at the node; a connection goes on with what the user has to say.
      if (message.case === "exit" || message.case === "outputEnd" || message.case === "doctorReport")
        this.complete = true;
      yield message;
    }
    if (!this.complete) throw new Fault("unavailable", `node ${this.node} went away in the middle`);
  }

  /** Undefined when there is none, because the stream is over or broken. */
  private next(): Promise<IteratorResult<RelayRequest> | undefined> {
    return new Promise((resolve) => {
      this.wake = () => resolve(undefined);
      this.requests.next().then(resolve, () => resolve(undefined));
    });
  }

  /** Resolves when the agent can take more. What comes after its end is dropped. */
  async send(message: NonNullable<Response["message"]>): Promise<void> {
    if (this.ended) return;
    await this.stream.send({ message }).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
    });
  }

  /** Resolves when the agent has ended its side. */
  async finished(): Promise<void> {
    while (!this.ended) {
      const next = await this.next();
      if (next === undefined || next.done) return;
    }
  }

  /** The user has no more use for it. */
  close(): void {
    // An error is told at once, past what the agent has not read yet.
    if (!this.complete && !this.ended) this.stream.fail(new Fault("unavailable", "the user is gone"));
    this.end();
  }

  /** The node is not heard any more. */
  lose(): void {
    this.stream.fail(new Fault("unavailable", "the node is not heard any more"));
    this.end();
  }
}
