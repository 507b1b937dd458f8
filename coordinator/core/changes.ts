import type { ClusterId, NodeId } from "../../shared/ids.js";
import type { AuditEntry } from "./access/audit.js";
import { type ApiToken, assignmentKey, type RoleAssignment, type User } from "./access/user.js";
import type { Announcement, Outgoing } from "./announcements/announcement.js";
import type { Subscription } from "./announcements/subscription.js";
import type { NodeHealth } from "./health/record.js";
import type { JoinToken, NodeIdentity } from "./identity/identity.js";
import type { Liveness } from "./liveness.js";
import type { MachineClassAlias } from "./machine-class.js";
import type { Blocked } from "./memory.js";
import type { AllocationNote } from "./scaling/allocation.js";
import { type Secret, secretKey } from "./secrets/secret.js";
import type {
  Attempt,
  Cluster,
  Experiment,
  FileServer,
  IdempotencyKey,
  Instant,
  Job,
  JobEvent,
  Node,
  StorageMapping,
  Workspace,
} from "./state.js";
import type { WitnessSet } from "./witnesses/set.js";

/** The tables of the catalog and the record that one row of each holds. Keys are given by `keyOf`. */
export interface Rows {
  workspace: Workspace;
  cluster: Cluster;
  "file-server": FileServer;
  experiment: Experiment;
  "storage-mapping": StorageMapping;
  job: Job;
  node: Node;
  attempt: Attempt;
  "job-event": JobEvent;
  "idempotency-key": IdempotencyKey;
  "witness-set": WitnessSet;
  "machine-class-alias": MachineClassAlias;
  secret: Secret;
  user: User;
  "api-token": ApiToken;
  "role-assignment": RoleAssignment;
  "audit-entry": AuditEntry;
  "node-health": NodeHealth;
  "node-identity": NodeIdentity;
  "join-token": JoinToken;
  subscription: Subscription;
  outgoing: Outgoing;
}

export type Table = keyof Rows;

/** One row written, or removed by its key. Deleting a job takes its attempts and events along; all else is deleted by name. */
export type RowChange = { [T in Table]: Put<T> | Delete<T> }[Table];
export interface Put<T extends Table> {
  readonly kind: "put";
  readonly table: T;
  readonly row: Rows[T];
}
/** Attempts and events are not deleted singly: they go with their job. */
export interface Delete<T extends Table> {
  readonly kind: "delete";
  readonly table: T;
  readonly key: string;
}

/** Memory only: the catalog passes over these, so that a heartbeat costs no commit. */
export type VolatileChange =
  | {
      readonly kind: "liveness";
      readonly node: NodeId;
      readonly liveness: Liveness | undefined;
      /** It can take work again that it could not take before, or the other way round. */
      readonly roomChanged: boolean;
    }
  /** Of what nobody has subscribed to. */
  | { readonly kind: "announced"; readonly announcement: Announcement }
  | { readonly kind: "allocation"; readonly cluster: ClusterId; readonly allocation: AllocationNote }
  | { readonly kind: "blocked"; readonly cluster: ClusterId; readonly blocked: Blocked }
  | { readonly kind: "ticked"; readonly at: Instant; readonly graceUntil: Instant };

export type Change = RowChange | VolatileChange;

export function isRowChange(change: Change): change is RowChange {
  return change.kind === "put" || change.kind === "delete";
}

/** The primary key of a row, as one text. */
export function keyOf(row: Rows[Table]): string {
  if ("uuid" in row) return row.uuid;
  if ("keyHash" in row) return row.name;
  if ("grantedAt" in row) return assignmentKey(row.user, row.workspace);
  if ("entry" in row) return String(row.entry);
  if ("source" in row) return row.source;
  if ("version" in row) return String(row.version);
  if ("alias" in row) return row.alias;
  if ("sealed" in row) return secretKey(row.workspace, row.name);
  if ("pending" in row) return String(row.number);
  if ("testCount" in row) return row.node;
  if ("number" in row) return `${row.job} ${row.number}`;
  return `${row.scope} ${row.key}`;
}
