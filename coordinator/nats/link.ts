import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { NatsAccess, NatsNode } from "./access.js";
import { type BusAccess, connectBus, unreachable } from "./bus.js";
import { NatsChild } from "./child.js";
import { hostOf, natsUrlFor } from "./url.js";

export interface OwnNats {
  program: string;
  dir: string;
  /** `host:port` of the coordinator: NATS listens on the same host. */
  listen: string;
  /** 0: any that is free. */
  port: number;
  access: NatsAccess;
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
    private readonly access: BusAccess,
    private readonly agentUrl: (authority: string) => string,
    private readonly child: NatsChild | undefined,
  ) {}

  static existing({ url, token, log }: ExistingNats): NatsLink {
    return new NatsLink(
      log,
      url,
      token === undefined ? { kind: "none" } : { kind: "token", token },
      () => url,
      undefined,
    );
  }

  static async own({ program, dir, listen, port, access, advertiseHost, log }: OwnNats): Promise<NatsLink> {
    const host = (hostOf(listen) ?? "127.0.0.1").replace(/^\[|\]$/g, "");
    const child = await NatsChild.start({ program, dir, host, port, access, log });
    const local = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    const agentUrl = (authority: string) => natsUrlFor(authority, child.port, advertiseHost);
    return new NatsLink(log, natsUrlFor("", child.port, local), access, agentUrl, child);
  }

  /** Where an agent that knows the coordinator as `authority` finds NATS. */
  forAgent(authority: string): { url: string; token: string; byKey: boolean } {
    const { access } = this;
    return {
      url: this.agentUrl(authority),
      token: access.kind === "token" ? access.token : "",
      byKey: access.kind === "keys",
    };
  }

  /** Of our own: see NatsChild.admit. */
  admit(nodes: readonly NatsNode[]): void {
    if (this.access.kind === "keys") this.child?.admit(nodes);
  }

  /** Why no logs come, in words. */
  get problem(): string | undefined {
    return this.trouble;
  }

  connect(): Promise<NatsConnection> {
    const told = (problem: string | undefined) => {
      this.trouble = problem;
    };
    return connectBus({ url: this.url, access: this.access, log: this.log, told });
  }

  async stop(): Promise<void> {
    await this.child?.stop();
  }
}
