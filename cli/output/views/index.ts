import type { MessageShape } from "@bufbuild/protobuf";
import { auditEntry } from "./audit-entry.js";
import { cluster } from "./cluster.js";
import { event, eventKind, eventSubscription } from "./event.js";
import { experiment } from "./experiment.js";
import { file } from "./file.js";
import { fileServer } from "./file-server.js";
import { job } from "./job.js";
import { joinToken } from "./join-token.js";
import { machineClass } from "./machine-class.js";
import { node } from "./node.js";
import { secret } from "./secret.js";
import { storageMapping } from "./storage-mapping.js";
import { usage } from "./usage.js";
import { apiToken, roleAssignment, user } from "./user.js";
import type { View } from "./view.js";
import { workspace } from "./workspace.js";

/** Every kind of resource that is printed. */
const all = {
  file,
  workspace,
  cluster,
  fileServer,
  storageMapping,
  secret,
  joinToken,
  machineClass,
  usage,
  experiment,
  event,
  eventKind,
  eventSubscription,
  job,
  node,
  user,
  apiToken,
  roleAssignment,
  auditEntry,
};

export type Kind = keyof typeof all;
export type Shown<K extends Kind> = MessageShape<(typeof all)[K]["schema"]>;

export const views: { [K in Kind]: View<(typeof all)[K]["schema"]> } = all;
