import type { JoinToken } from "../../core/identity/identity.js";
import { flag, integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const joinTokenTable: TableShape<JoinToken> = {
  name: "join_token",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    hash: text(),
    createdAt: integer,
    expiresAt: integer,
    uses: integer,
    used: integer,
    replaces: flag,
    createdBy: text(),
    revokedAt: integer,
  },
};
