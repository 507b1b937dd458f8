import type { Outgoing } from "../../core/announcements/announcement.js";
import { integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const outgoingTable: TableShape<Outgoing> = {
  name: "outgoing",
  key: ["number"],
  keyText: "number",
  columns: {
    number: integer,
    id: text(),
    kind: text(),
    at: integer,
    subject: text(),
    message: text(),
    scope: json(),
    data: json(),
    pending: json(),
  },
};
