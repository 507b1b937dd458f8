import { StorageMappingSchema } from "../../../shared/gen/stoker/v1/storage_pb.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

export const storageMapping = view({
  schema: StorageMappingSchema,
  columns: [
    ["Azure Storage", ({ source }) => source],
    ["File Server", ({ fileServerId }) => fileServerId],
    ["Path", ({ path }) => path],
    ["Created", ({ creationTime }) => shortTime(creationTime)],
  ],
});
