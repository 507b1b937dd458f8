import type { MachineClassAlias } from "../../core/machine-class.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const machineClassAliasTable: TableShape<MachineClassAlias> = {
  name: "machine_class_alias",
  key: ["alias"],
  keyText: "alias",
  columns: { alias: text(), name: text(), machineClass: text(), createdAt: integer },
};
