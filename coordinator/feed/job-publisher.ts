import type { NatsConnection } from "@nats-io/transport-node";
import { jobSubject } from "../../shared/subjects.js";

export interface JobNews {
  uuid: string;
  state: string;
  attempt: number;
}

/** Tells listeners outside of this process, at most once and only while NATS is there: who must not miss anything watches by gRPC. */
export function publishJob(connection: NatsConnection | undefined, news: JobNews): void {
  if (!connection || connection.isClosed()) return;
  connection.publish(jobSubject(news.uuid), JSON.stringify(news));
}
