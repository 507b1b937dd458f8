import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import type { AuditService } from "../../../shared/gen/stoker/v1/audit_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageSizeOf, startOf, tokenAfter } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { auditView } from "../views/audit.js";

export function listAuditEntries(ports: ApiPorts): Handlers<typeof AuditService>["listAuditEntries"] {
  return (request) => {
    const { newestFirst, user, since, until, verb, target, outcome } = request;
    const kind = newestFirst ? "audit-back" : "audit";
    const after = startOf(kind, request);
    if (after !== undefined && !/^\d{1,15}$/.test(after)) {
      throw new Fault("invalid-argument", "page_token is not one that this list gave");
    }
    const page = ports.audit.read({
      ...{ newestFirst, most: pageSizeOf(request), after: after === undefined ? undefined : Number(after) },
      ...{ user: given(user), verb: given(verb), target: given(target), outcome: given(outcome) },
      ...{ sinceMs: msOf(since), untilMs: msOf(until) },
    });
    const looked = page.lookedAt === undefined ? after : String(page.lookedAt);
    const ends = newestFirst && page.isLast;
    return {
      entries: page.entries.map(auditView),
      nextPageToken: ends ? "" : tokenAfter(kind, looked ?? "0"),
      isLast: page.isLast,
    };
  };
}

const given = (text: string) => (text === "" ? undefined : text);
const msOf = (time: Timestamp | undefined) => (time ? timestampMs(time) : undefined);
