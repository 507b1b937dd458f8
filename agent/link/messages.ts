import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { unreachable } from "../../shared/assert.js";
import { LeasePhase } from "../../shared/gen/stoker/v1/lease_pb.js";
import { LogsWaitingSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { LeaseId } from "../../shared/ids.js";
import { frozenReason } from "../core/lapse.js";
import type { LeaseRun } from "../core/lease-state.js";
import type { Report, ReportEvent } from "../core/reports.js";
import type { LogsWaiting, SessionMessage } from "../ports.js";

export function reportMessage(lease: LeaseId, report: Report): SessionMessage {
  return {
    case: "report",
    value: {
      leaseId: lease,
      sequence: BigInt(report.sequence),
      time: timestampFromMs(report.time),
      event: eventMessage(report.event),
    },
  };
}

type ReportValue = Extract<SessionMessage, { case: "report" }>["value"];

function eventMessage(event: ReportEvent): ReportValue["event"] {
  switch (event.type) {
    case "ready":
      return { case: "ready", value: {} };
    case "rank-started":
      return { case: "rankStarted", value: { rank: event.rank, pid: event.pid } };
    case "rank-exited":
      return {
        case: "rankExited",
        value: {
          rank: event.rank,
          exitCode: event.exitCode,
          signal: event.signal,
          stdoutBytes: BigInt(event.stdoutBytes),
          stderrBytes: BigInt(event.stderrBytes),
          stdoutDroppedBytes: BigInt(event.dropped?.stdout ?? 0),
          stderrDroppedBytes: BigInt(event.dropped?.stderr ?? 0),
        },
      };
    case "failed": {
      const { code, message, details, exitCode } = event.failure;
      const error = { code, message, details: details.map(({ name, value }) => ({ name, value })) };
      return { case: "failed", value: exitCode === undefined ? { error } : { error, exitCode } };
    }
    case "done":
      return { case: "done", value: { warnings: [...(event.warnings ?? [])] } };
    default:
      return unreachable(event);
  }
}

const phases: Record<LeaseRun["progress"]["phase"], LeasePhase> = {
  waiting: LeasePhase.PREPARING,
  preparing: LeasePhase.PREPARING,
  ready: LeasePhase.READY,
  running: LeasePhase.RUNNING,
  stopping: LeasePhase.STOPPING,
  done: LeasePhase.DONE,
};

export const heldLease = (run: LeaseRun) => ({
  leaseId: run.id,
  phase: phases[run.progress.phase],
  frozen: run.frozen,
  ...(run.frozenSince === undefined ? {} : { frozenSince: timestampFromMs(run.frozenSince), frozenReason }),
});

/** The part of a telemetry sample that tells of it. */
export function logsWaiting(waiting: LogsWaiting | undefined) {
  if (waiting === undefined) return {};
  const { since, bytes, reason } = waiting;
  const message = create(LogsWaitingSchema, { since: timestampFromMs(since), bytes: BigInt(bytes), reason });
  return { logsWaiting: message };
}
