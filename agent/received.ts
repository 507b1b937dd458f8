import type { Logger } from "pino";
import { unreachable } from "../shared/assert.js";
import type { OpenRelay } from "../shared/gen/stoker/v1/relay_pb.js";
import { parseLeaseId } from "../shared/ids.js";
import type { LeaseEvent } from "./core/events.js";
import type { Engine } from "./engine.js";
import type { NodeTests } from "./health-ports.js";
import type { Received } from "./link/link.js";
import type { Exports, Logs, Membership, RemoteStarts } from "./ports.js";
import type { Preparer } from "./preparer.js";
import type { Witnesses } from "./witness/witnesses.js";

export interface ReceiverParts {
  engine(): Engine;
  logs: Logs;
  witnesses: Witnesses;
  preparer: Preparer;
  exports: Exports;
  remote: RemoteStarts;
  tests: NodeTests;
  membership: Membership;
  tellExports(): void;
  /** A stream for one user. */
  users(order: OpenRelay): void;
}

/** Each message of the coordinator to the part that it is for. */
export class Receiver {
  constructor(
    private readonly parts: ReceiverParts,
    private readonly log: Logger,
  ) {}

  received(message: Received): void {
    switch (message.case) {
      case "grant":
        this.parts.engine().post({ type: "grant", grant: message.value });
        return;
      case "startRanks":
        this.toLease(message.case, message.value.leaseId, { type: "start-ranks" });
        return;
      case "stop":
        this.toLease(message.case, message.value.leaseId, {
          type: "stop",
          reason: message.value.reason,
          graceful: message.value.graceful,
          ...(message.value.graceSeconds === undefined ? {} : { graceSeconds: message.value.graceSeconds }),
        });
        return;
      case "reportAck":
        this.toLease(message.case, message.value.leaseId, {
          type: "acknowledged",
          sequence: Number(message.value.sequence),
        });
        return;
      case "logsStored": {
        const { leaseId, rank, stream, offset } = message.value;
        const id = parseLeaseId(leaseId);
        if (id && this.parts.engine().state.leases.has(id.lease))
          this.parts.logs.stored(id.lease, rank, stream, Number(offset));
        return;
      }
      case "leaseNote":
        this.toLease(message.case, message.value.leaseId, { type: "noted", text: message.value.text });
        return;
      case "setWitnesses":
        if (this.parts.witnesses.received(message.value) && this.parts.witnesses.set)
          this.parts.engine().post({ type: "witness-set", set: this.parts.witnesses.set });
        return;
      case "setMounts":
        this.parts.preparer.order(message.value);
        return;
      case "setExports":
        this.parts.exports.set(message.value.exports);
        this.parts.tellExports();
        return;
      case "certificateRenewed":
        this.parts.membership.renewed(message.value.certificate);
        return;
      case "openRelay":
        this.parts.users(message.value);
        return;
      case "testOrder":
      case "peerTestOrder":
      case "peerTestResult":
        this.parts.tests.received(message);
        return;
      case "remoteStart":
      case "remoteOutput":
      case "remoteExit":
      case "remoteStop":
        this.parts.remote.received(message);
        return;
      default:
        unreachable(message);
    }
  }

  private toLease(what: string, leaseId: string, event: LeaseEvent): void {
    const id = parseLeaseId(leaseId);
    if (id && this.parts.engine().state.leases.has(id.lease)) this.parts.engine().lease(id.lease, event);
    else if (what !== "reportAck")
      this.log.warn(
        { lease: leaseId, message: what },
        "a message about a lease that this node does not hold was refused",
      );
  }
}
