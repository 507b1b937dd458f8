import type { IdempotencyKey } from "../../core/state.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const idempotencyKeyTable: TableShape<IdempotencyKey> = {
  name: "idempotency_key",
  key: ["scope", "key"],
  keyText: "scope || ' ' || key",
  columns: { scope: text(), key: text(), digest: text(), resource: text(), at: integer },
};
