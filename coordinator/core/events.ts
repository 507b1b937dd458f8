import type {
  Heartbeat,
  Hello,
  LeaseReport,
  PreparationReport,
  TestResult,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ClusterSpec, ScaleSettings } from "../../shared/gen/stoker/v1/cluster_pb.js";
import type { FileServerSpec } from "../../shared/gen/stoker/v1/file_server_pb.js";
import type { JobSpec } from "../../shared/gen/stoker/v1/job_pb.js";
import type {
  ClusterId,
  ExperimentId,
  FileServerId,
  JobId,
  NodeId,
  SubscriptionId,
  WorkspaceId,
} from "../../shared/ids.js";
import type { AccessNotice, AccessRequest } from "./access/events.js";
import type { AnnouncementData } from "./announcements/announcement.js";
import type { AnnouncementKind } from "./announcements/kinds.js";
import type { WebhookFormat } from "./announcements/subscription.js";
import type { ExportsEvent } from "./file-servers/exports.js";
import type { GangWatched } from "./gang-watch/take.js";
import type { IdentityEvent } from "./identity/events.js";
import type { Quota } from "./quota/quota.js";

/**
 * Everything that can happen to the coordinator. Ids and other randomness come in with the event; resources are named as the API names them
 * (`workspaces/w/clusters/c`), and a wrong name is a Fault like any other mistake of the caller.
 */
export type Event = ApiEvent | AgentEvent | GangWatched | ClockEvent | DeliveredEvent | AnnounceEvent | AccessNotice;

/** Refused with a Fault; nothing has changed then. */
export type ApiEvent =
  | AccessRequest
  | WorkspaceCreate
  | WorkspaceUpdate
  | { readonly kind: "workspace-quota"; readonly id: string; readonly quota: Quota }
  | ClusterCreate
  | FileServerCreate
  | ExperimentCreate
  | JobCreate
  | {
      readonly kind: "workspace-delete" | "cluster-delete" | "file-server-delete" | "experiment-delete" | "job-delete";
      readonly id: string;
    }
  | { readonly kind: "cluster-resize"; readonly id: string; readonly scale: ScaleSettings }
  | { readonly kind: "storage-map"; readonly source: string; readonly fileServer: string; readonly path: string }
  | { readonly kind: "storage-unmap"; readonly source: string }
  /** Sealed by the shell for the secret's own key: the value is never here. */
  | {
      readonly kind: "secret-set";
      readonly workspace: WorkspaceId;
      readonly name: string;
      readonly sealed: string;
    }
  | { readonly kind: "secret-delete"; readonly id: string }
  | { readonly kind: "machine-class-map"; readonly alias: string; readonly machineClass: string }
  | { readonly kind: "machine-class-unmap"; readonly alias: string }
  | SubscriptionCreate
  | { readonly kind: "subscription-delete"; readonly id: string; readonly workspace: string }
  | IdentityEvent
  | { readonly kind: "job-terminate"; readonly id: string }
  | { readonly kind: "node-drain"; readonly id: string; readonly reason: string }
  /** `graceSeconds`: before its jobs are killed; absent: as for every job that is stopped. */
  | { readonly kind: "node-reclaim"; readonly id: string; readonly reason: string; readonly graceSeconds?: number }
  | {
      readonly kind: "node-test";
      readonly id: string;
      /** Numbers or UUIDs; empty: all. */
      readonly gpus: readonly string[];
      readonly network: boolean;
      readonly quick: boolean;
    }
  | { readonly kind: "gpu-return"; readonly id: string; readonly gpu: string; readonly force: boolean }
  | { readonly kind: "node-resume" | "node-retry" | "node-delete" | "node-declare-lost"; readonly id: string };

interface Create {
  readonly name: string;
  /** Absent when the caller gave no key. */
  readonly idempotency?: {
    readonly key: string;
    /** Of the request's whole body but the key: equal for equal bodies. */
    readonly digest: string;
  };
}

export interface WorkspaceCreate extends Create {
  readonly kind: "workspace-create";
  readonly uuid: WorkspaceId;
  readonly tags: Readonly<Record<string, string>>;
  readonly location: string;
}

export interface WorkspaceUpdate {
  readonly kind: "workspace-update";
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Else they take the place of all that it has. */
  readonly keepOthers: boolean;
  readonly removed: readonly string[];
}

export interface ClusterCreate extends Create {
  readonly kind: "cluster-create";
  readonly uuid: ClusterId;
  /** `workspaces/<name>` */
  readonly parent: string;
  readonly spec: ClusterSpec;
}

export interface FileServerCreate extends Create {
  readonly kind: "file-server-create";
  readonly uuid: FileServerId;
  readonly parent: string;
  readonly spec: FileServerSpec;
}

export interface ExperimentCreate extends Create {
  readonly kind: "experiment-create";
  readonly uuid: ExperimentId;
  readonly parent: string;
}

export interface JobCreate extends Create {
  readonly kind: "job-create";
  /** W3C trace context of whoever submits it. */
  readonly traceParent?: string;
  readonly uuid: JobId;
  /** `workspaces/<name>/experiments/<name>` */
  readonly parent: string;
  readonly spec: JobSpec;
}

/** From an agent's stream, as received: believed only after it was checked. What is nonsense gives an `ignored` effect and changes nothing. */
export type AgentEvent =
  /** `session` names the stream; `freshNode` is used when the node is new. */
  | { readonly kind: "agent-hello"; readonly session: string; readonly freshNode: NodeId; readonly hello: Hello }
  | {
      readonly kind: "agent-heartbeat";
      readonly session: string;
      readonly node: string;
      readonly heartbeat: Heartbeat;
    }
  | { readonly kind: "agent-report"; readonly session: string; readonly node: string; readonly report: LeaseReport }
  | {
      readonly kind: "agent-preparation";
      readonly session: string;
      readonly node: string;
      readonly report: PreparationReport;
    }
  | { readonly kind: "agent-test"; readonly session: string; readonly node: string; readonly result: TestResult }
  | ExportsEvent
  /** The stream closed. No verdict: the node is lost only when it stays silent. */
  | { readonly kind: "agent-gone"; readonly session: string; readonly node: string };

/** `tick` comes about every second while the coordinator runs; `resume` once, after the rows were loaded. Neither takes a hint. */
export type ClockEvent = { readonly kind: "tick" } | { readonly kind: "resume" };

export interface SubscriptionCreate {
  readonly kind: "subscription-create";
  readonly uuid: SubscriptionId;
  readonly name: string;
  readonly owner: string;
  /** Named as the API names them. */
  readonly workspace?: string;
  readonly experiment?: string;
  readonly job?: string;
  readonly submitter?: string;
  readonly kinds: readonly string[];
  readonly target:
    | {
        readonly kind: "webhook";
        /** http(s), or the name of a secret that holds it. */
        readonly url: string;
        readonly format: WebhookFormat;
        readonly template: string;
        /** Name of the secret that signs; "" for none. */
        readonly secret: string;
        readonly local: boolean;
      }
    | { readonly kind: "mail"; readonly addresses: readonly string[]; readonly template: string };
}

/** What became of an announcement on its way to one subscriber. */
export interface DeliveredEvent {
  readonly kind: "delivered";
  readonly number: number;
  readonly subscription: SubscriptionId;
  readonly outcome: "delivered" | "given-up";
}

/** The shell has seen something that people may want to be told of. */
export interface AnnounceEvent {
  readonly kind: "announce";
  readonly told: {
    readonly what: AnnouncementKind;
    /** The same for the same happening. */
    readonly key: string;
    readonly message: string;
    readonly data: AnnouncementData;
  };
}
