import type { User } from "../../core/access/user.js";
import { flag, integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const userTable: TableShape<User> = {
  name: "user",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    name: text(),
    displayName: text(),
    createdAt: integer,
    administrator: flag,
    passwordHash: text(),
    subject: json(),
    groups: json(),
    disabledSince: integer,
  },
};
