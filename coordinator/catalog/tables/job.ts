import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { changeJobSecrets } from "../../core/secrets/fields.js";
import type { Job } from "../../core/state.js";
import { flag, integer, json, message, text } from "../column.js";
import { hasSecrets } from "../has-secrets.js";
import type { TableShape } from "../table.js";

export const jobTable: TableShape<Job> = {
  name: "job",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    experiment: text(),
    name: text(),
    spec: message(JobSpecSchema, hasSecrets(changeJobSecrets)),
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
    deletingSince: integer,
    events: integer,
    submittedBy: text(),
    traceParent: text(),
    watch: json(),
  },
};
