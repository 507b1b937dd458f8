import {
  type LogsWaiting,
  type NodeAllocation,
  NodeSchema,
  NodeStateSchema,
  type OwnerTerms,
} from "../../../shared/gen/stoker/v1/node_pb.js";
import { leafOf } from "../../ids.js";
import type { Detail } from "../table.js";
import { gibibytes, shortTime } from "../time.js";
import { errorLines } from "./errors.js";
import { frozenLine } from "./frozen.js";
import { gpuLines, hostLines } from "./machine.js";
import { healthLines } from "./node-health.js";
import { suspectedText } from "./suspected.js";
import { view, word } from "./view.js";

export const node = view({
  schema: NodeSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["IP", ({ address }) => address],
    ["State", ({ state, drained }) => `${word(NodeStateSchema, state)}${drained ? " (drained)" : ""}`],
    ["Cluster", ({ clusterId }) => leafOf(clusterId)],
    ["Class", ({ inventory }) => inventory?.machineClass ?? ""],
    ["CPUs", ({ inventory }) => String(inventory?.cpus ?? "")],
    ["Memory", ({ inventory }) => gibibytes(inventory?.memoryBytes ?? 0n)],
    ["GPUs", ({ inventory }) => gpusOf((inventory?.gpus ?? []).map(({ model }) => model))],
    ["Jobs", ({ allocations }) => jobsOf(allocations)],
  ],
  more: ({
    id,
    stateTransitionTime,
    reason,
    error,
    warnings,
    gpuFaults,
    gpuHealth,
    failures,
    tests,
    penalty,
    enrolledTime,
    lastHeartbeatTime,
    agentVersion,
    inventory,
    allocations,
    telemetry,
  }) => [
    ["Since", shortTime(stateTransitionTime)],
    ["Reason", reason],
    ...errorLines(error ? [error] : []),
    ...warnings.map((warning): Detail => ["Warning", warning]),
    ...healthLines({ gpuHealth, gpuFaults, failures, tests, penalty }),
    ["System", [inventory?.os, inventory?.kernel].filter(Boolean).join(", ")],
    ["Enrolled", shortTime(enrolledTime)],
    ["Last heard of", shortTime(lastHeartbeatTime)],
    ["Agent", agentVersion],
    ...allocations.flatMap((allocation): Detail[] => {
      const { jobId, attempt, cpus, gpus, suspected } = allocation;
      return [
        ["Job", `${jobId} (attempt ${attempt}; ${cpus} CPUs, ${gpus} GPUs)${suspectedText(suspected)}`],
        ...frozenLine(allocation, leafOf(jobId)),
      ];
    }),
    ["Reclaimable", inventory?.reclaimable ? "yes: it serves low-priority clusters alone" : ""],
    ["Serves files from", inventory?.fileServing?.folder ?? ""],
    ["Logs", waitingLine(telemetry?.logsWaiting)],
    ["Containers", [inventory?.containerRuntime, inventory?.containerRuntimeVersion].filter(Boolean).join(" ")],
    ["Freezer", telemetry?.freezer ?? ""],
    ["Jobs run as", inventory?.isolation?.accounts ?? ""],
    ["Limits", inventory?.isolation?.limits ?? ""],
    ["Other GPUs", inventory?.isolation?.devices ?? ""],
    ["Owner", ownerLine(inventory?.owner)],
    ...(inventory?.owner?.withoutAccount ?? []).map(
      ({ user, reason }): Detail => ["No account", `${user || "the coordinator's own token"}: ${reason}`],
    ),
    ...gpuLines(inventory, telemetry, { gpuFaults, allocations }),
    ...hostLines(telemetry?.host),
    ["Id", id],
  ],
});

/** `closed until 19:00: …; users alice, bob; containers only` */
function ownerLine(owner: OwnerTerms | undefined): string {
  if (!owner) return "";
  const { closed, closedUntil, usersAllowed, usersDenied, containersOnly } = owner;
  const until = closedUntil ? ` until ${shortTime(closedUntil)}` : "";
  const parts = [
    closed === "" ? "" : `closed${until}: ${closed}`,
    usersAllowed.length > 0 ? `lets in ${usersAllowed.join(", ")}` : "",
    usersDenied.length > 0 ? `keeps out ${usersDenied.join(", ")}` : "",
    containersOnly ? "containers only" : "",
  ];
  return parts.filter(Boolean).join("; ");
}

function waitingLine(waiting: LogsWaiting | undefined): string {
  if (!waiting) return "";
  return `${waiting.bytes} bytes wait in the spool since ${shortTime(waiting.since)}: ${waiting.reason}`;
}

/** `2 (1 frozen)` */
function jobsOf(allocations: NodeAllocation[]): string {
  const frozen = allocations.filter(({ frozenSince }) => frozenSince !== undefined).length;
  return frozen === 0 ? String(allocations.length) : `${allocations.length} (${frozen} frozen)`;
}

/** `4 x A100, 1 x T4` */
function gpusOf(models: string[]): string {
  const counts = new Map<string, number>();
  for (const model of models) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts].map(([model, count]) => `${count} x ${model}`).join(", ") || "0";
}
