import { byLabel, type Family, gauge } from "../../shared/metrics/family.js";
import type { Progress } from "../core/lease-state.js";
import type { AgentView, Disk } from "./view.js";

export function leaseFamilies({ leases, logsWaiting }: AgentView, { spoolBytes }: Disk, now: number): Family[] {
  const phases: Record<Progress["phase"], number> = {
    ...{ waiting: 0, preparing: 0, ready: 0, running: 0, stopping: 0, done: 0 },
  };
  let frozen = 0;
  for (const run of leases) {
    phases[run.progress.phase] += 1;
    if (run.frozen) frozen += 1;
  }
  const waitingMs = logsWaiting ? Math.max(0, now - logsWaiting.since) : 0;
  return [
    gauge(
      "stoker_agent_leases",
      "Leases that this node holds by phase: waiting, preparing, ready, running, stopping or done",
      byLabel("phase", Object.entries(phases)),
    ),
    gauge("stoker_agent_leases_frozen", "Leases whose processes are stopped because nobody renewed them", frozen),
    gauge(
      "stoker_agent_spool_bytes",
      "Room that jobs' logs take on this node's disk until they are stored",
      spoolBytes,
    ),
    gauge(
      "stoker_agent_logs_waiting_bytes",
      "Bytes of logs that have waited for more than ten seconds to be stored",
      logsWaiting?.bytes ?? 0,
    ),
    gauge("stoker_agent_logs_waiting_seconds", "Time for which the oldest of them have waited", waitingMs / 1000),
  ];
}
