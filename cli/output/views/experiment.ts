import { ExperimentSchema } from "../../../shared/gen/stoker/v1/experiment_pb.js";
import { ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { workspaceOf } from "../../ids.js";
import { shortTime } from "../time.js";
import { view, word } from "./view.js";

export const experiment = view({
  schema: ExperimentSchema,
  type: "workspaces/experiments",
  columns: [
    ["Name", ({ name }) => name],
    ["Workspace", ({ id }) => workspaceOf(id)],
    ["State", ({ provisioningState }) => word(ProvisioningStateSchema, provisioningState)],
  ],
  more: ({ id, creationTime }) => [
    ["Id", id],
    ["Created", shortTime(creationTime)],
  ],
});
