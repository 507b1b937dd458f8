import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { connectBus, unreachable } from "./bus.js";
import { NatsChild } from "./child.js";
import { hostOf, natsUrlFor } from "./url.js";

export interface OwnNats {
  program: string;
  dir: string;
  /** `host:port` of the coordinator: NATS listens on the same host. */
  listen: string;
  /** 0: any that is free. */
  port: number;
  token: string;
  advertiseHost: string | undefined;
  log: Logger;
}

export interface ExistingNats {
  url: string;
  token: string | undefined;
  log: Logger;
}

/** NATS as the coordinator has it: a child of its own, or one that is there already. */
export class NatsLink {
  private trouble: string | undefined = unreachable;

  private constructor(
    private readonly log: Logger,
    private readonly url: string,
    private readonly token: string | undefined,
    private readonly agentUrl: (authority: string) => string,
    private readonly child: NatsChild | undefined,
  ) {}

  static existing({ url, token, log }: ExistingNats): NatsLink {
    return new NatsLink(log, url, token, () => url, undefined);
  }

  static async own({ program, dir, listen, port, token, advertiseHost, log }: OwnNats): Promise<NatsLink> {
    const host = (hostOf(listen) ?? "127.0.0.1").replace(/^\[|\]$/g, "");
    const child = await NatsChild.start({ program, dir, host, port, token, log });
    const local = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    const agentUrl = (authority: string) => natsUrlFor(authority, child.port, advertiseHost);
    return new NatsLink(log, natsUrlFor("", child.port, local), token, agentUrl, child);
  }

  /** Where an agent that knows the coordinator as `authority` finds NATS. */
  forAgent(authority: string): { url: string; token: string } {
    return { url: this.agentUrl(authority), token: this.token ?? "" };
  }

  /** Why no logs come, in words. */
  get problem(): string | undefined {
    return this.trouble;
  }

  connect(): Promise<NatsConnection> {
    const told = (problem: string | undefined) => {
      this.trouble = problem;
    };
    return connectBus({ url: this.url, token: this.token, log: this.log, told });
  }

  async stop(): Promise<void> {
    await this.child?.stop();
  }
}
