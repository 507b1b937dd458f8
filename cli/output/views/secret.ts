import { SecretSchema } from "../../../shared/gen/stoker/v1/secret_pb.js";
import { workspaceOf } from "../../ids.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

export const secret = view({
  schema: SecretSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["Workspace", ({ id }) => workspaceOf(id)],
    ["Created", ({ creationTime }) => shortTime(creationTime)],
    ["Changed", ({ changeTime }) => shortTime(changeTime)],
  ],
});
