import type { Subscription } from "../../core/announcements/subscription.js";
import { integer, json, sealedJson, text } from "../column.js";
import type { TableShape } from "../table.js";

export const subscriptionTable: TableShape<Subscription> = {
  name: "subscription",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    name: text(),
    createdAt: integer,
    owner: text(),
    workspace: text(),
    experiment: text(),
    job: text(),
    submitter: text(),
    kinds: json(),
    // The addresses of many receivers are secrets themselves.
    target: sealedJson(),
    missed: integer,
    missedEver: integer,
  },
};
