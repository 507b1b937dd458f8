import { FileServerSchema, type FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { leafOf, workspaceOf } from "../../ids.js";
import { shortTime } from "../time.js";
import { errorLines } from "./errors.js";
import { view, word } from "./view.js";

function disksOf(spec: FileServerSpec | undefined): string {
  const named = spec?.managed?.disks ?? [];
  if (named.length > 0) return named.join(" ");
  return spec?.dataDisks ? `${spec.dataDisks.diskCount} x ${spec.dataDisks.diskSizeInGb} Gb` : "";
}

export const fileServer = view({
  schema: FileServerSchema,
  type: "workspaces/fileServers",
  columns: [
    ["Name", ({ name }) => name],
    ["Workspace", ({ id }) => workspaceOf(id)],
    ["Size", ({ spec }) => spec?.vmSize ?? ""],
    ["Disks", ({ spec }) => disksOf(spec)],
    ["Public IP", ({ mountSettings }) => mountSettings?.fileServerPublicIp ?? ""],
    ["Internal IP", ({ mountSettings, spec }) => mountSettings?.fileServerInternalIp || (spec?.existing?.host ?? "")],
    ["Mount Point", ({ mountSettings, spec }) => mountSettings?.mountPoint || (spec?.existing?.export ?? "")],
  ],
  more: ({ id, creationTime, provisioningState, provisioningStateTransitionTime, spec, nodeId, directory, errors }) => [
    ["State", word(ProvisioningStateSchema, provisioningState)],
    ["Since", shortTime(provisioningStateTransitionTime)],
    ...errorLines(errors),
    ["Node", leafOf(nodeId)],
    ["Directory", directory],
    ["Clients", spec?.managed?.clients.join(", ") ?? ""],
    ["Mount options", (spec?.existing ?? spec?.managed)?.mountOptions ?? ""],
    ["Id", id],
    ["Created", shortTime(creationTime)],
  ],
});
