import type { NodeHealth } from "../../core/health/record.js";
import { integer, json, text } from "../column.js";
import type { TableShape } from "../table.js";

export const nodeHealthTable: TableShape<NodeHealth> = {
  name: "node_health",
  key: ["node"],
  keyText: "node",
  columns: { node: text(), failures: json(), out: json(), overlooked: json(), tests: json(), testCount: integer },
};
