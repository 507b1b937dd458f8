import { timestampMs } from "@bufbuild/protobuf/wkt";
import { AllocationState } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { type ClusterStatus, type Status, StatusSchema } from "../../shared/gen/stoker/v1/status_pb.js";
import { toJson } from "./json.js";
import { plain } from "./plain.js";
import { details, table } from "./table.js";
import { shortTime } from "./time.js";

export const statusJson = (status: Status) => toJson(plain(StatusSchema, status));

/** What is well takes a line; what is not is told in full. */
export function statusScreen(status: Status): string {
  const parts = [
    details([
      ["Coordinator", `${status.version}, up since ${shortTime(status.startedTime)}`],
      ["Health", healthOf(status)],
      ["Nodes", nodesOf(status)],
      ["GPUs", status.nodes ? `${status.nodes.gpusFree} of ${status.nodes.gpus} free` : ""],
      ["Jobs", jobsOf(status)],
    ]),
  ];
  if (status.clusters.length > 0) parts.push(clustersOf(status.clusters));
  if (status.waits.length > 0) {
    const rows = status.waits.map(({ jobId, since, reason }) => [jobId, shortTime(since), reason]);
    parts.push(table(["Waiting longest", "Since", "Why"], rows));
  }
  if (status.troubles.length > 0) {
    const rows = [...status.troubles]
      .sort((a, b) => (a.since ? timestampMs(a.since) : 0) - (b.since ? timestampMs(b.since) : 0))
      .map(({ id, kind, since, message }) => [id, kind, shortTime(since), message]);
    parts.push(table(["To look at", "What", "Since", "Why"], rows));
  }
  return parts.join("\n");
}

function healthOf({ readOnly, natsProblem, catalog }: Status): string {
  const waits = catalog?.awaitedNodes ?? [];
  const problems = [
    ...(readOnly === "" ? [] : [`nothing can be changed: ${readOnly}`]),
    ...(natsProblem === "" ? [] : [natsProblem]),
    ...(waits.length > 0
      ? [`restored from a backup; waits for ${waits.join(", ")} before jobs of the backup start again`]
      : []),
  ];
  return problems.length > 0 ? problems.join("; ") : "well";
}

function nodesOf({ nodes }: Status): string {
  if (!nodes) return "";
  const { total, free, preparing, idle, running, leaving, unusable, lost, drained, reclaimable } = nodes;
  const states = counted({ running, idle, free, preparing, leaving, unusable, lost });
  const marks = counted({ drained, reclaimable });
  return [`${total}`, states, marks === "" ? "" : `(${marks})`]
    .filter((part) => part !== "")
    .join(" ")
    .replace(" ", ": ");
}

const jobsOf = ({ jobs }: Status) =>
  jobs
    ? counted({
        running: jobs.running,
        queued: jobs.queued,
        terminating: jobs.terminating,
        succeeded: jobs.succeeded,
        failed: jobs.failed,
      }) || "none"
    : "";

const counted = (counts: Record<string, number>) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

function clustersOf(clusters: readonly ClusterStatus[]): string {
  return table(
    ["Cluster", "State", "Nodes", "Running jobs", "Queued jobs", "Short of"],
    clusters.map((cluster) => [
      cluster.id,
      cluster.deleting ? "deleting" : cluster.allocationState === AllocationState.RESIZING ? "resizing" : "steady",
      String(cluster.currentNodeCount),
      String(cluster.runningJobs),
      String(cluster.queuedJobs),
      cluster.shortage,
    ]),
  );
}
