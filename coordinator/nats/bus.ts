import { connect, type NatsConnection, type NodeConnectionOptions, nkeyAuthenticator } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { natsTls } from "../../shared/nats-tls.js";

export interface BusOptions {
  url: string;
  access: BusAccess;
  log: Logger;
  /** Told why it is not reachable, and when it is again. */
  told?: (problem: string | undefined) => void;
}

/** `authority`: who has signed the server's certificate, in PEM. */
export type BusAccess =
  | { kind: "none" }
  | { kind: "token"; token: string }
  | { kind: "keys"; seed: string; authority: string };

export const unreachable = "NATS is not reachable: logs stay on the nodes until it is back";

/** Our own connection to NATS. It never gives up: logs wait in the agents' spools meanwhile. */
export async function connectBus(options: BusOptions): Promise<NatsConnection> {
  const connection = await connect({
    servers: options.url,
    ...credentialOf(options.access),
    name: "stoker-coordinator",
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    pingInterval: 20_000,
  });
  options.told?.(undefined);
  void tellStatus(connection, options).catch((error: unknown) => options.log.error({ err: error }, "NATS status"));
  return connection;
}

function credentialOf(access: BusAccess): NodeConnectionOptions {
  if (access.kind === "none") return {};
  if (access.kind === "token") return { token: access.token };
  return { authenticator: nkeyAuthenticator(Buffer.from(access.seed)), tls: natsTls(access.authority) };
}

async function tellStatus(connection: NatsConnection, { log, told }: BusOptions): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === "disconnect") {
      told?.(unreachable);
      log.warn(unreachable);
    } else if (status.type === "reconnect") {
      told?.(undefined);
      log.info("NATS is reachable again");
    } else if (status.type === "error") log.warn({ err: status.error }, "NATS error");
  }
}
