import type { Rows, Table } from "../../core/changes.js";
import type { TableShape } from "../table.js";
import { apiTokenTable } from "./api-token.js";
import { attemptTable } from "./attempt.js";
import { auditEntryTable } from "./audit-entry.js";
import { clusterTable } from "./cluster.js";
import { experimentTable } from "./experiment.js";
import { fileServerTable } from "./file-server.js";
import { idempotencyKeyTable } from "./idempotency-key.js";
import { jobTable } from "./job.js";
import { jobEventTable } from "./job-event.js";
import { joinTokenTable } from "./join-token.js";
import { machineClassAliasTable } from "./machine-class-alias.js";
import { nodeTable } from "./node.js";
import { nodeHealthTable } from "./node-health.js";
import { nodeIdentityTable } from "./node-identity.js";
import { outgoingTable } from "./outgoing.js";
import { roleAssignmentTable } from "./role-assignment.js";
import { secretTable } from "./secret.js";
import { storageMappingTable } from "./storage-mapping.js";
import { subscriptionTable } from "./subscription.js";
import { userTable } from "./user.js";
import { witnessSetTable } from "./witness-set.js";
import { workspaceTable } from "./workspace.js";

/** Every table of the core's rows. */
export const tables: { readonly [T in Table]: TableShape<Rows[T]> } = {
  workspace: workspaceTable,
  cluster: clusterTable,
  "file-server": fileServerTable,
  experiment: experimentTable,
  "storage-mapping": storageMappingTable,
  job: jobTable,
  node: nodeTable,
  attempt: attemptTable,
  "job-event": jobEventTable,
  "idempotency-key": idempotencyKeyTable,
  "witness-set": witnessSetTable,
  "machine-class-alias": machineClassAliasTable,
  secret: secretTable,
  user: userTable,
  "api-token": apiTokenTable,
  "role-assignment": roleAssignmentTable,
  "audit-entry": auditEntryTable,
  "node-health": nodeHealthTable,
  "node-identity": nodeIdentityTable,
  "join-token": joinTokenTable,
  subscription: subscriptionTable,
  outgoing: outgoingTable,
};
