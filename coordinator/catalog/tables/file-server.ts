import { FileServerSpecSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { FileServer } from "../../core/state.js";
import { integer, message, text } from "../column.js";
import type { TableShape } from "../table.js";

export const fileServerTable: TableShape<FileServer> = {
  name: "file_server",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    workspace: text(),
    name: text(),
    spec: message(FileServerSpecSchema),
    createdAt: integer,
  },
};
