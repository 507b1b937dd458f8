import { ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { WorkspaceSchema } from "../../../shared/gen/stoker/v1/workspace_pb.js";
import { shortTime } from "../time.js";
import { view, word } from "./view.js";

export const workspace = view({
  schema: WorkspaceSchema,
  type: "workspaces",
  columns: [
    ["Name", ({ name }) => name],
    ["Location", ({ location }) => location],
    ["State", ({ provisioningState }) => word(ProvisioningStateSchema, provisioningState)],
  ],
  more: ({ id, creationTime, tags }) => [
    ["Id", id],
    ["Created", shortTime(creationTime)],
    [
      "Tags",
      Object.entries(tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(" "),
    ],
  ],
});
