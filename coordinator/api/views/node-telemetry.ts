import type { GpuProcess, Telemetry } from "../../../shared/gen/stoker/v1/node_pb.js";
import { parseLeaseId } from "../../../shared/ids.js";
import type { State } from "../../core/memory.js";
import { idOfJob } from "../../core/names.js";
import { hidden, type Sight } from "../sight.js";

/** A node's latest sample, without what concerns one node alone: for lists. */
export const shortTelemetry = ({ gpuProcesses: _, ...telemetry }: Telemetry): Telemetry => telemetry;

/** The same, with the jobs that processes belong to. */
export function telemetryView(state: State, telemetry: Telemetry, sight: Sight): Telemetry {
  const { gpuProcesses, ...rest } = telemetry;
  if (!gpuProcesses) return telemetry;
  const processes = gpuProcesses.processes.map((process) => processView(state, process, sight));
  return { ...rest, gpuProcesses: { ...gpuProcesses, processes } };
}

function processView(state: State, process: GpuProcess, sight: Sight): GpuProcess {
  const lease = parseLeaseId(process.leaseId);
  const job = lease && state.jobs.get(lease.job);
  const view = { ...process, leaseId: "", jobId: "", attempt: 0 };
  if (!job || !lease) return view;
  if (sight.job(job)) return { ...view, jobId: idOfJob(state, job), attempt: lease.attempt };
  const { rank: _, ...others } = view;
  return { ...others, jobId: hidden.job, name: "", account: "" };
}
