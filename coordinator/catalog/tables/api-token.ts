import type { ApiToken } from "../../core/access/user.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const apiTokenTable: TableShape<ApiToken> = {
  name: "api_token",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    user: text(),
    kind: text(),
    name: text(),
    hash: text(),
    createdAt: integer,
    expiresAt: integer,
    certifiedUntil: integer,
    usedAt: integer,
  },
};
