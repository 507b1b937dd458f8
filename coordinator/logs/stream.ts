import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { logStreamName, logSubjects } from "../../shared/subjects.js";

const durableName = "coordinator";
/** Not acknowledged within this time, a message comes again: longer than any sync of a working disk takes. */
const ackWaitMs = 20_000;
const streamBytesMax = 2 * 1024 ** 3;
/** Delivered and not yet durable, at most: 64 MiB when every message is full. */
const unackedMax = 1_024;

/** The stream that carries logs, and our place in it; both are made when they are not there. */
export async function logConsumer(connection: NatsConnection): Promise<Consumer> {
  const manager = await jetstreamManager(connection);
  await manager.streams
    .add({
      name: logStreamName,
      subjects: [logSubjects],
      storage: StorageType.File,
      // What is stored in the log store is needed here no longer; the agents' spools make good what a full stream drops.
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.Old,
      max_bytes: streamBytesMax,
    })
    .catch(ignoreExisting);
  // Made anew: what was delivered to an earlier process and not acknowledged comes again now, not after its wait.
  await manager.consumers.delete(logStreamName, durableName).catch(ignoreMissing);
  await manager.consumers.add(logStreamName, {
    durable_name: durableName,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * 1_000_000,
    max_ack_pending: unackedMax,
  });
  return jetstream(connection).consumers.get(logStreamName, durableName);
}

const streamNameInUse = 10_058;
const consumerNotFound = 10_014;

/** An operator may have made it with limits of their own. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof JetStreamApiError && error.code === streamNameInUse)) throw error;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof JetStreamApiError && error.code === consumerNotFound)) throw error;
}
