import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AuditEntrySchema } from "../../../shared/gen/stoker/v1/audit_pb.js";
import type { AuditEntry } from "../../core/access/audit.js";

export const auditView = ({ entry, at, ...told }: AuditEntry): MessageInitShape<typeof AuditEntrySchema> => ({
  ...told,
  number: BigInt(entry),
  time: timestampFromMs(at),
});
