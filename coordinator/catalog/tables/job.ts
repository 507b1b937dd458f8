import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { Job } from "../../core/state.js";
import { flag, integer, json, message, text } from "../column.js";
import type { TableShape } from "../table.js";

export const jobTable: TableShape<Job> = {
  name: "job",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    experiment: text(),
    name: text(),
    spec: message(JobSpecSchema),
    request: json(),
    createdAt: integer,
    sequence: integer,
    state: json(),
    attempt: integer,
    startedAt: integer,
    retries: integer,
    machineFaults: integer,
    avoid: json(),
    deleting: flag,
    events: integer,
  },
};
