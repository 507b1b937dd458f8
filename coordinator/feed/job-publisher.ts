import type { NatsConnection } from "@nats-io/transport-node";
import { jobSubject } from "../../shared/subjects.js";
import { suspected } from "../core/gang-watch/findings.js";
import type { Job } from "../core/state.js";

export interface JobNews {
  uuid: string;
  state: string;
  attempt: number;
  /** hang, straggler, idle */
  suspected: readonly string[];
}

/** Tells listeners outside of this process, at most once and only while NATS is there: who must not miss anything watches by gRPC. */
export function publishJob(connection: NatsConnection | undefined, job: Job): void {
  if (!connection || connection.isClosed()) return;
  const news: JobNews = { uuid: job.uuid, state: job.state.kind, attempt: job.attempt, suspected: suspected(job) };
  connection.publish(jobSubject(news.uuid), JSON.stringify(news));
}
