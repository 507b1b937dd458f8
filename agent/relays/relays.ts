import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Credential } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { AgentService } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { OpenRelay } from "../../shared/gen/stoker/v1/relay_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";
import { numberOfFault } from "../../shared/status.js";
import type { RelayWork } from "../relay-ports.js";
import { Channel } from "./channel.js";

export interface RelaysOptions {
  coordinator: string;
  nodeName: string;
  credential(): Credential;
  work: RelayWork;
}

/** More at once are refused: each may hold some megabytes of what a slow user has not taken. */
const relaysMax = 256;
/** The connection stays so long after the last of them. */
const idleMs = 30_000;
/** For what was said to reach the coordinator, after which the call is cut. */
const lastWordsMs = 30_000;
/** The same when the user is gone, or the agent stops. */
const hurriedMs = 500;

/**
 * Streams that the coordinator asked for, each for one user. They have a TCP connection to themselves, so that no amount of their bytes stands
 * in the way of a heartbeat.
 */
export class Relays {
  private readonly open = new Set<AbortController>();
  private readonly ending = new Set<Promise<void>>();
  private connection: Connection | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: RelaysOptions,
    private readonly log: Logger,
  ) {}

  take(order: OpenRelay): void {
    const done = this.run(order).catch((error: unknown) =>
      this.log.error({ err: error, purpose: order.purpose.case }, "a relay could not be opened"),
    );
    this.ending.add(done);
    void done.then(() => this.ending.delete(done));
  }

  /** Every user's process and connection ends. */
  async close(): Promise<void> {
    for (const stop of this.open) stop.abort();
    await Promise.all(this.ending);
    this.hangUp();
  }

  private async run({ relayId, purpose }: OpenRelay): Promise<void> {
    const stop = new AbortController();
    const stream = this.dial().client(AgentService).relay();
    const channel = new Channel(stream, stop);
    this.open.add(stop);
    try {
      await channel.send({ case: "hello", value: { relayId, nodeName: this.options.nodeName } });
      await this.perform(purpose, channel);
    } catch (error) {
      const fault =
        error instanceof Fault ? error : new Fault("internal", "the agent failed on this; its log says why");
      if (fault !== error && !channel.signal.aborted)
        this.log.error({ err: error, purpose: purpose.case }, "a relay failed");
      await channel.send({ case: "refusal", value: { code: numberOfFault(fault), message: fault.message } });
    } finally {
      stream.end();
      const limit = new AbortController();
      const limitMs = stop.signal.aborted ? hurriedMs : lastWordsMs;
      await Promise.race([stream.closed, delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)]);
      limit.abort();
      stream.cancel();
      this.open.delete(stop);
      if (this.open.size === 0) this.idle = setTimeout(() => this.hangUp(), idleMs).unref();
    }
  }

  private perform(purpose: OpenRelay["purpose"], channel: Channel): Promise<void> {
    const { work } = this.options;
    if (this.open.size > relaysMax) {
      throw new Fault(
        "resource-exhausted",
        `the node serves ${relaysMax} users at once, the most that it does: try again later`,
      );
    }
    switch (purpose.case) {
      case "exec":
        return work.exec(purpose.value, channel);
      case "forward":
        return work.forward(purpose.value, channel);
      case "fileList":
        return work.listFiles(purpose.value, channel);
      case "fileRead":
        return work.readFile(purpose.value, channel);
      case "doctor":
        return work.doctor(purpose.value, channel);
      default:
        throw new Fault(
          "failed-precondition",
          "the node's agent is older than the coordinator and can't do this: upgrade it",
        );
    }
  }

  private dial(): Connection {
    clearTimeout(this.idle);
    this.connection ??= connect(this.options.coordinator, this.options.credential(), { apart: true });
    return this.connection;
  }

  private hangUp(): void {
    clearTimeout(this.idle);
    this.connection?.close();
    this.connection = undefined;
  }
}
