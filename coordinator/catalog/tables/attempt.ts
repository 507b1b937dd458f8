import type { Attempt } from "../../core/state.js";
import { integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const attemptTable: TableShape<Attempt> = {
  name: "attempt",
  key: ["job", "number"],
  columns: {
    job: text(),
    number: integer,
    state: text(),
    nodes: json(),
    startedAt: integer,
    endedAt: integer,
    reason: text(),
    exitCode: integer,
    rankCount: integer,
    exits: json(),
  },
};
