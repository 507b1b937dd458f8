import type { Export, SetMounts } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import type { JobId, LeaseId, NodeId } from "../../shared/ids.js";
import type { Plain } from "./plain.js";
import type { CatalogLife } from "./restored.js";
import type { Witness } from "./witnesses/set.js";

/**
 * Orders to the world, carried out after the changes are on disk, in this order. Each is idempotent: what concerns a node is dropped when the
 * node has no stream, because everything that is still outstanding is ordered again at its next hello.
 */
export type Effect = NodeEffect | Notice;

/** To the agent named `node` by its present stream (welcome and refuse-session: by the stream named). */
export type NodeEffect =
  | {
      readonly kind: "welcome";
      readonly node: string;
      readonly session: string;
      readonly nodeUuid: NodeId;
      readonly leaseTtlMs: number;
      readonly heartbeatIntervalMs: number;
      readonly keptLeaseIds: readonly LeaseId[];
      readonly undecidedLeaseIds: readonly LeaseId[];
      readonly life?: CatalogLife;
    }
  /** The hello was not believed: end that stream, with the reason. */
  | {
      readonly kind: "refuse-session";
      readonly node: string;
      readonly session: string;
      readonly reason: string;
    }
  | { readonly kind: "grant-lease"; readonly node: string; readonly grant: Plain<LeaseGrant> }
  | { readonly kind: "start-ranks"; readonly node: string; readonly lease: LeaseId }
  | {
      readonly kind: "stop-lease";
      readonly node: string;
      readonly lease: LeaseId;
      readonly reason: string;
      readonly graceful: boolean;
      /** Instead of the lease's own. */
      readonly graceSeconds?: number;
    }
  | {
      readonly kind: "set-mounts";
      readonly node: string;
      readonly plan: Plain<SetMounts>;
    }
  /** All that it is to serve to others. */
  | { readonly kind: "set-exports"; readonly node: string; readonly exports: Plain<Export>[] }
  /** For those who read the job's files. */
  | { readonly kind: "note-lease"; readonly node: string; readonly lease: LeaseId; readonly text: string }
  /** Again in each session until its result has come. */
  | {
      readonly kind: "test-node";
      readonly node: string;
      readonly test: string;
      readonly uuids: readonly string[];
      readonly quick: boolean;
      readonly peers: readonly string[];
      /** Those and the node itself, as launchers of MPI call them. */
      readonly hosts: ReadonlyArray<{ readonly node: string; readonly host: string }>;
    }
  | {
      readonly kind: "set-witnesses";
      readonly node: string;
      readonly version: number;
      readonly leaseTtlMs: number;
      readonly members: readonly Witness[];
    }
  | {
      readonly kind: "heartbeat-reply";
      readonly node: string;
      readonly sequence: bigint;
      readonly renewedLeaseIds: readonly LeaseId[];
      readonly supersededLeaseIds: readonly LeaseId[];
    }
  /** Also for a report that was a duplicate or too late: the agent can forget it. */
  | { readonly kind: "ack-report"; readonly node: string; readonly lease: string; readonly sequence: bigint };

export type Notice =
  /** Its row, attempts or place changed: tell watchers. */
  | { readonly kind: "job-changed"; readonly job: JobId }
  /** Its logs and other leavings may go. */
  | { readonly kind: "job-deleted"; readonly job: JobId }
  | { readonly kind: "node-changed"; readonly node: NodeId }
  /** Of the node named: who was known by another key, or is known by none any more, is cut off. */
  | { readonly kind: "identity-changed"; readonly node: string }
  /** Somebody waits for it: see announcements. */
  | { readonly kind: "announcement"; readonly number: number }
  /** For the log: something that came from `node` was not believed, or came too late. */
  | { readonly kind: "ignored"; readonly node: string; readonly reason: string };
