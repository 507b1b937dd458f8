import type { AuditService } from "../../../shared/gen/stoker/v1/audit_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { listAuditEntries } from "./list-audit-entries.js";

export const auditHandlers = (ports: ApiPorts): Handlers<typeof AuditService> => ({
  listAuditEntries: listAuditEntries(ports),
});
