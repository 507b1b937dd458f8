import type { StorageMapping } from "../../core/state.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const storageMappingTable: TableShape<StorageMapping> = {
  name: "storage_mapping",
  key: ["source"],
  keyText: "source",
  columns: { source: text(), fileServer: text(), path: text(), createdAt: integer },
};
