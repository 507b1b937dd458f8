import type { Secret } from "../../core/secrets/secret.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const secretTable: TableShape<Secret> = {
  name: "secret",
  key: ["workspace", "name"],
  keyText: "workspace || ' ' || name",
  columns: { workspace: text(), name: text(), sealed: text(), createdAt: integer, changedAt: integer },
};
