import type { AuditEntry } from "../../core/access/audit.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const auditEntryTable: TableShape<AuditEntry> = {
  name: "audit_entry",
  key: ["entry"],
  columns: {
    entry: integer,
    at: integer,
    user: text(),
    credential: text(),
    verb: text(),
    target: text(),
    summary: text(),
    peer: text(),
    outcome: text(),
  },
};
