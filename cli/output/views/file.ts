import { FileSchema } from "../../../shared/gen/stoker/v1/file_pb.js";
import { FileType, FileTypeSchema } from "../../../shared/gen/stoker/v1/relay_pb.js";
import { shortTime } from "../time.js";
import { view, word } from "./view.js";

export const file = view({
  schema: FileSchema,
  columns: [
    ["Name", ({ name, node }) => (node === "" ? name : `${name} (on ${node})`)],
    ["Type", ({ fileType }) => word(FileTypeSchema, fileType)],
    [
      "Size",
      ({ fileType, properties }) => (fileType === FileType.DIRECTORY ? "" : String(properties?.contentLength ?? 0)),
    ],
    ["Modified", ({ properties }) => shortTime(properties?.lastModified)],
  ],
});
