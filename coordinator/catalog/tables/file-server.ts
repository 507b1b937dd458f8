import { FileServerSpecSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { changeFileServerSecrets } from "../../core/secrets/fields.js";
import type { FileServer } from "../../core/state.js";
import { integer, json, message, text } from "../column.js";
import { hasSecrets } from "../has-secrets.js";
import type { TableShape } from "../table.js";

export const fileServerTable: TableShape<FileServer> = {
  name: "file_server",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    workspace: text(),
    name: text(),
    spec: message(FileServerSpecSchema, hasSecrets(changeFileServerSecrets)),
    createdAt: integer,
    managed: json(),
  },
};
