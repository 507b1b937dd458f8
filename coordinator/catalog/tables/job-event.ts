import type { JobEvent } from "../../core/state.js";
import { integer, text } from "../column.js";
import type { TableShape } from "../table.js";

export const jobEventTable: TableShape<JobEvent> = {
  name: "job_event",
  key: ["job", "number"],
  columns: { job: text(), number: integer, at: integer, message: text() },
};
