import type { Workspace } from "../../core/state.js";
import { integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const workspaceTable: TableShape<Workspace> = {
  name: "workspace",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    name: text(),
    tags: json(),
    location: text(),
    createdAt: integer,
    quota: json(),
    deletingSince: integer,
  },
};
