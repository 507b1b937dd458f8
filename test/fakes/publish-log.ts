import { jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { logStreamName, logSubject, offsetHeader } from "../../shared/subjects.js";
import { until } from "./until.js";

export interface LogBytes {
  natsUrl: string;
  natsToken: string;
  node: string;
  leaseId: string;
  offset: number;
  text: string;
}

/** Bytes of rank 0's stdout, as an agent sends them. */
export async function publishLog({ natsUrl, natsToken, node, leaseId, offset, text }: LogBytes): Promise<void> {
  const connection = await connect({ servers: natsUrl, token: natsToken });
  const header = headers();
  header.set(offsetHeader, String(offset));
  await hasLogStream(connection);
  connection.publish(logSubject(node, leaseId, 0, "stdout"), text, { headers: header });
  await connection.flush();
  await connection.close();
}

/** An agent would say it again; nobody says whether it was heard. */
async function hasLogStream(connection: NatsConnection): Promise<void> {
  const { streams } = await jetstreamManager(connection);
  let isThere = false;
  const look = setInterval(() => {
    streams.info(logStreamName).then(
      () => {
        isThere = true;
      },
      () => undefined,
    );
  }, 20);
  await until("the stream of logs", () => isThere).finally(() => clearInterval(look));
}
