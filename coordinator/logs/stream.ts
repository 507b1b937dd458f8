import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
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
/** What agents have sent and we have not stored. Within `max_memory_store` of our own NATS: see ../nats/config-file.ts. */
const streamBytesMax = 256 * 1024 ** 2;
/** Delivered and not yet durable, at most: 64 MiB when every message is full. */
const unackedMax = 256;

/** The stream that carries logs, and our place in it; both are made when they are not there. */
export async function logConsumer(connection: NatsConnection): Promise<Consumer> {
  const manager = await jetstreamManager(connection);
  await ensureStream(manager);
  // Made anew: what was delivered to an earlier process and not acknowledged comes again now, not after its wait.
  await manager.consumers.delete(logStreamName, durableName).catch(unless(errors.consumerNotFound));
  await manager.consumers.add(logStreamName, {
    durable_name: durableName,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * 1_000_000,
    max_ack_pending: unackedMax,
  });
  return jetstream(connection).consumers.get(logStreamName, durableName);
}

/** One that is there stays as it is, but for its answers: an operator may have made it with limits of their own. */
async function ensureStream(manager: JetStreamManager): Promise<void> {
  // Asked for first: to add it once more is refused when there is not room for two.
  const known = await manager.streams.info(logStreamName).catch(unless(errors.streamNotFound));
  if (known) {
    if (!known.config.no_ack) await manager.streams.update(logStreamName, { no_ack: true });
    return;
  }
  // The truth is in the agents' spools until it is in the log store: a second disk in between would only be one more to wait for.
  await addStream(manager, StorageType.Memory).catch(async (error: unknown) => {
    unless(errors.noMemory)(error);
    await addStream(manager, StorageType.File);
  });
}

const addStream = (manager: JetStreamManager, storage: StorageType) =>
  manager.streams.add({
    name: logStreamName,
    subjects: [logSubjects],
    storage,
    retention: RetentionPolicy.Workqueue,
    // A full stream refuses what is new. If it dropped the oldest, too many senders would get nothing but gaps through.
    discard: DiscardPolicy.New,
    // Nobody waits for an answer but ours; NATS would say one, with its own rights, on whatever subject a node names for it.
    no_ack: true,
    max_bytes: streamBytesMax,
  });

/** Of JetStream's API. */
const errors = { consumerNotFound: 10_014, noMemory: 10_028, streamNotFound: 10_059 } as const;

const unless = (code: number) => (error: unknown) => {
  if (!(error instanceof JetStreamApiError && error.code === code)) throw error;
  return undefined;
};
