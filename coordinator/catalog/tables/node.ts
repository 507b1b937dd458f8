import type { Node } from "../../core/state.js";
import { integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const nodeTable: TableShape<Node> = {
  name: "node",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    name: text(),
    address: text(),
    agentVersion: text(),
    bootId: text(),
    inventory: json(),
    enrolledAt: integer,
    sequence: integer,
    cluster: text(),
    membership: json(),
    drained: json(),
    leaving: json(),
    lost: json(),
    zombies: json(),
    witnessSets: json(),
    epoch: integer,
  },
};
