import type { WitnessSet } from "../../core/witnesses/set.js";
import { integer, json } from "../column.js";
import type { TableShape } from "../table.js";

export const witnessSetTable: TableShape<WitnessSet> = {
  name: "witness_set",
  key: ["version"],
  keyText: "version",
  columns: {
    version: integer,
    madeAt: integer,
    ttlMs: integer,
    members: json(),
  },
};
