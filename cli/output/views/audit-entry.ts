import { AuditEntrySchema } from "../../../shared/gen/stoker/v1/audit_pb.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

export const auditEntry = view({
  schema: AuditEntrySchema,
  columns: [
    ["Number", ({ number }) => String(number)],
    ["Time", ({ time }) => shortTime(time)],
    ["User", ({ user }) => user],
    ["By", ({ credential }) => credential],
    ["Verb", ({ verb }) => verb],
    ["Target", ({ target }) => target],
    ["Summary", ({ summary }) => summary],
    ["From", ({ peer }) => peer],
    ["Outcome", ({ outcome }) => outcome],
  ],
});
