import { FileServerSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { workspaceOf } from "../../ids.js";
import { shortTime } from "../time.js";
import { view, word } from "./view.js";

export const fileServer = view({
  schema: FileServerSchema,
  type: "workspaces/fileServers",
  columns: [
    ["Name", ({ name }) => name],
    ["Workspace", ({ id }) => workspaceOf(id)],
    ["Size", ({ spec }) => spec?.vmSize ?? ""],
    ["Disks", ({ spec }) => (spec?.dataDisks ? `${spec.dataDisks.diskCount} x ${spec.dataDisks.diskSizeInGb} Gb` : "")],
    ["Public IP", ({ mountSettings }) => mountSettings?.fileServerPublicIp ?? ""],
    ["Internal IP", ({ mountSettings, spec }) => mountSettings?.fileServerInternalIp || (spec?.existing?.host ?? "")],
    ["Mount Point", ({ mountSettings, spec }) => mountSettings?.mountPoint || (spec?.existing?.export ?? "")],
  ],
  more: ({ id, creationTime, provisioningState, spec }) => [
    ["State", word(ProvisioningStateSchema, provisioningState)],
    ["Mount options", spec?.existing?.mountOptions ?? ""],
    ["Id", id],
    ["Created", shortTime(creationTime)],
  ],
});
