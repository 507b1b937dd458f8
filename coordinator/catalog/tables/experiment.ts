import type { Experiment } from "../../core/state.js";
import { flag, integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const experimentTable: TableShape<Experiment> = {
  name: "experiment",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    workspace: text(),
    name: text(),
    createdAt: integer,
    deleting: flag,
    deletingSince: integer,
  },
};
