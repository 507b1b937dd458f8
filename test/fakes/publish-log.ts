import { jetstream } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";
import { logSubject, offsetHeader } from "../../shared/subjects.js";

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
  await jetstream(connection).publish(logSubject(node, leaseId, 0, "stdout"), text, { headers: header });
  await connection.close();
}
