import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { unreachable } from "../../shared/assert.js";
import { ExportPhase, PreparationState } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { LeasePhase } from "../../shared/gen/stoker/v1/lease_pb.js";
import {
  FileServingSchema,
  type Inventory,
  LogsWaitingSchema,
  type Telemetry,
} from "../../shared/gen/stoker/v1/node_pb.js";
import type { LeaseId } from "../../shared/ids.js";
import type { Diagnosis } from "../core/diagnosis/diagnosis.js";
import type { Death } from "../core/diagnosis/remote.js";
import { doing } from "../core/doing.js";
import { frozenReason } from "../core/lapse.js";
import type { LeaseRun } from "../core/lease-state.js";
import type { Terms } from "../core/policy/policy.js";
import type { PreparationTold } from "../core/preparation/report.js";
import type { Report, ReportEvent } from "../core/reports.js";
import type { GpuFault, GpuHealthSource } from "../health-ports.js";
import type { ExportState, LogsWaiting, Serving, SessionMessage } from "../ports.js";

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
          ...(event.diagnosis ? { diagnosis: diagnosisMessage(event.diagnosis) } : {}),
        },
      };
    case "failed": {
      const { code, message, details, exitCode } = event.failure;
      const error = { code, message, details: details.map(({ name, value }) => ({ name, value })) };
      return { case: "failed", value: exitCode === undefined ? { error } : { error, exitCode } };
    }
    case "done":
      return {
        case: "done",
        value: {
          warnings: [...(event.warnings ?? [])],
          deaths: (event.deaths ?? []).slice(0, deathsMax).map(deathMessage),
        },
      };
    default:
      return unreachable(event);
  }
}

/** One cause mostly kills many. */
const deathsMax = 16;

const deathMessage = ({ pid, name, rank, diagnosis }: Death) => ({
  ...{ pid, processName: name, diagnosis: diagnosisMessage(diagnosis) },
  ...(rank === undefined ? {} : { rank }),
});

const diagnosisMessage = ({ rule, class: faultClass, sentence, proven }: Diagnosis) => ({
  ...{ rule, faultClass, sentence, proven },
});

const phases: Record<LeaseRun["progress"]["phase"], LeasePhase> = {
  waiting: LeasePhase.PREPARING,
  preparing: LeasePhase.PREPARING,
  ready: LeasePhase.READY,
  running: LeasePhase.RUNNING,
  stopping: LeasePhase.STOPPING,
  done: LeasePhase.DONE,
};

export function preparationMessage({ id, state, doing, ageMs, fault, warnings }: PreparationTold): SessionMessage {
  const error = fault && {
    code: fault.code,
    message: fault.message,
    details: fault.details.map(({ name, value }) => ({ name, value })),
  };
  return {
    case: "preparation",
    value: {
      ...{ preparationId: id, doing, ageMs: BigInt(Math.round(ageMs)), warnings: [...warnings] },
      state: preparationStates[state],
      ...(error ? { error } : {}),
    },
  };
}

const preparationStates: Record<PreparationTold["state"], PreparationState> = {
  preparing: PreparationState.PREPARING,
  ready: PreparationState.READY,
  failed: PreparationState.FAILED,
};

interface Judges {
  owner: { readonly terms: Terms };
  isolation: { confinements: { refused(): Array<{ user: string; reason: string }> } };
}

/** What the machine's owner, and its list of accounts, let run there. */
export const ownerTerms = ({ owner, isolation }: Judges) => termsMessage(owner.terms, isolation.confinements.refused());

const termsMessage = (
  { isHere: _, closedUntil, usersAllowed, usersDenied, ...terms }: Terms,
  withoutAccount: Array<{ user: string; reason: string }>,
) => ({
  ...terms,
  withoutAccount,
  ...{ usersAllowed: [...usersAllowed], usersDenied: [...usersDenied] },
  ...(closedUntil === undefined ? {} : { closedUntil: timestampFromMs(closedUntil) }),
});

export const heldLease = (run: LeaseRun) => heldBecause(run, frozenReason);

/** `why`: its processes are stopped, if they are. */
export const heldBecause = (run: LeaseRun, why: string) => ({
  leaseId: run.id,
  phase: phases[run.progress.phase],
  frozen: run.frozen,
  ...(run.frozenSince === undefined ? {} : { frozenSince: timestampFromMs(run.frozenSince), frozenReason: why }),
  step: doing(run),
  ...(run.doingSince === undefined ? {} : { stepSince: timestampFromMs(run.doingSince) }),
});

const exportPhases: Record<ExportState["phase"], ExportPhase> = {
  preparing: ExportPhase.PREPARING,
  served: ExportPhase.SERVED,
  failed: ExportPhase.FAILED,
};

export function exportStates(states: readonly ExportState[]): SessionMessage {
  const exports = states.map(({ id, phase, mountPoint, port, directory, error }) => ({
    ...{ id, phase: exportPhases[phase], mountPoint, port, directory },
    ...(error ? { error } : {}),
  }));
  return { case: "exportStates", value: { exports } };
}

export const withServing = (inventory: Inventory, serving: Serving): Inventory => ({
  ...inventory,
  fileServing: create(FileServingSchema, { ...serving, freeBytes: BigInt(serving.freeBytes) }),
});

export const gpuFault = ({ since, ...fault }: GpuFault) => ({
  $typeName: "stoker.v1.GpuFault" as const,
  ...fault,
  since: timestampFromMs(since),
});

/** Uuids of the GPUs that leases hold. */
export const heldGpus = (runs: Iterable<LeaseRun>): ReadonlySet<string> =>
  new Set([...runs].filter(({ progress }) => progress.phase !== "done").flatMap(({ grant }) => grant.gpuUuids));

/** The part of a telemetry sample that tells of it. */
export function logsWaiting(waiting: LogsWaiting | undefined) {
  if (waiting === undefined) return {};
  const { since, bytes, reason } = waiting;
  const message = create(LogsWaitingSchema, { since: timestampFromMs(since), bytes: BigInt(bytes), reason });
  return { logsWaiting: message };
}

const healthOf = (gpus: GpuHealthSource) => ({
  gpuFaults: gpus.faults().map(gpuFault),
  nodeFaults: gpus.nodeFaults().map(({ since, ...fault }) => ({
    ...{ $typeName: "stoker.v1.NodeFault" as const, ...fault, since: timestampFromMs(since) },
  })),
  ...{ tests: true, gpusUnread: gpus.unread() },
});

/** What a heartbeat says but for its number. The first problem is the one told. */
export function heartbeatOf(from: {
  leases: Array<ReturnType<typeof heldLease>>;
  problems: ReadonlyArray<string | undefined>;
  gpus: GpuHealthSource;
  witnessSet: bigint;
  owner: ReturnType<typeof ownerTerms>;
  telemetry: Telemetry | undefined;
  /** Of the agent's own state, told with its telemetry. */
  beside: Partial<Telemetry>;
}) {
  const { leases, problems, gpus, witnessSet, owner, telemetry, beside } = from;
  const unhealthyReason = problems.find((problem) => problem !== undefined && problem !== "") ?? "";
  const common = { leases, unhealthyReason, ...healthOf(gpus), witnessSet, owner };
  return telemetry === undefined ? common : { ...common, telemetry: { ...telemetry, ...beside } };
}
