import type { NodeIdentity } from "../../core/identity/identity.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const nodeIdentityTable: TableShape<NodeIdentity> = {
  name: "node_identity",
  key: ["name"],
  keyText: "name",
  columns: {
    name: text(),
    keyHash: text(),
    natsKey: text(),
    joinedAt: integer,
    token: text(),
    revokedAt: integer,
  },
};
