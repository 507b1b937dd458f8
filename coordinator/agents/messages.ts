import type { MessageInitShape } from "@bufbuild/protobuf";
import { unreachable } from "../../shared/assert.js";
import type { SessionResponseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { NodeEffect } from "../core/effects.js";

/** One message to an agent, as protobuf-es takes it. */
export type ToAgent = Exclude<MessageInitShape<typeof SessionResponseSchema>["message"], undefined>;

/** Effects that are one message each; those about the stream itself are the session's own, and witnesses take keys. */
export type MessageEffect = Exclude<NodeEffect, { kind: "welcome" | "refuse-session" | "set-witnesses" }>;

const stopOf = ({ lease, reason, graceful, graceSeconds }: Extract<MessageEffect, { kind: "stop-lease" }>) => ({
  leaseId: lease,
  reason,
  graceful,
  ...(graceSeconds === undefined ? {} : { graceSeconds }),
});

const testOf = ({ test, uuids, quick, peers, hosts }: Extract<MessageEffect, { kind: "test-node" }>) => ({
  ...{ testId: test, gpuUuids: [...uuids], quick, peers: [...peers], hosts: [...hosts] },
});

export function messageOf(effect: MessageEffect): ToAgent {
  switch (effect.kind) {
    case "grant-lease":
      return { case: "grant", value: effect.grant };
    case "start-ranks":
      return { case: "startRanks", value: { leaseId: effect.lease } };
    case "stop-lease":
      return { case: "stop", value: stopOf(effect) };
    case "set-mounts":
      return { case: "setMounts", value: effect.plan };
    case "note-lease":
      return { case: "leaseNote", value: { leaseId: effect.lease, text: effect.text } };
    case "test-node":
      return { case: "testOrder", value: testOf(effect) };
    case "set-exports":
      return { case: "setExports", value: { exports: effect.exports } };
    case "heartbeat-reply":
      return {
        case: "heartbeatReply",
        value: {
          sequence: effect.sequence,
          renewedLeaseIds: [...effect.renewedLeaseIds],
          supersededLeaseIds: [...effect.supersededLeaseIds],
        },
      };
    case "ack-report":
      return { case: "reportAck", value: { leaseId: effect.lease, sequence: effect.sequence } };
    default:
      return unreachable(effect);
  }
}
