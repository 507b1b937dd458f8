import { byLabel, counter, type Family, gauge, labels } from "../../shared/metrics/family.js";
import { version } from "../../shared/version.js";
import type { AgentView, Disk } from "./view.js";

export function selfFamilies(view: AgentView, { freeBytes }: Disk): Family[] {
  return [
    gauge("stoker_agent_build_info", "Version of the agent; always 1", [{ labels: labels({ version }), value: 1 }]),
    gauge("stoker_agent_session_up", "1 while the agent has a session with the coordinator", Number(view.isConnected)),
    gauge(
      "stoker_agent_watchdog_up",
      "1 while the watchdog watches over this node's leases",
      Number(view.watchdogProblem === ""),
    ),
    gauge("stoker_agent_mounts_up", "1 while every volume of the cluster answers", Number(view.mountsProblem === "")),
    gauge(
      "stoker_agent_disk_free_bytes",
      "Free space on the disk of the agent's data folder",
      freeBytes === undefined ? [] : freeBytes,
    ),
    gauge(
      "stoker_agent_disk_low",
      "1 while free space is below --disk-reserve, so that no new lease is taken",
      Number(view.diskLow !== undefined),
    ),
    counter(
      "stoker_agent_kernel_messages_total",
      "What the kernel said of GPUs, memory, disks, file servers and the like since it was started, by kind",
      byLabel("kind", view.kernelMessages),
    ),
  ];
}
