import { unreachable } from "../../../shared/assert.js";
import { parseLeaseId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import { rememberFailure } from "../health/failures.js";
import { isLive, leaseOf } from "../indexes.js";
import { nodeReady, shareEnded, stop, update } from "../job.js";
import { expansionOf, shareOn, withExit, withShare } from "../lease.js";
import { nodeNamed } from "../names.js";
import { releaseZombie } from "../node.js";
import type { Job, Lease, Node, Share } from "../state.js";
import type { Expansion } from "../toolkits/toolkit.js";
import { failedByItself, failedByMachine, failedByMount, type Judgement, refusedThere, succeeded } from "../verdict.js";
import { machineFaults } from "./cause.js";
import { explainedBy } from "./deaths.js";
import { ignore } from "./heartbeat.js";
import { type NarrowedReport, narrowReport, type Report } from "./narrow.js";

type ReportEvent = Extract<AgentEvent, { kind: "agent-report" }>;

/**
 * What happened to a lease on one node. Reports come at least once, in order within a lease; every one that can be read is acknowledged, so
 * that the agent forgets it, also when it changes nothing: a repetition, or of an attempt that the job has left behind.
 */
export function report(draft: Draft, event: ReportEvent): void {
  const node = nodeNamed(draft.world, event.node);
  if (!node || draft.world.liveness.get(node.uuid)?.session !== event.session) {
    ignore(draft, event.node, "report of a session that does not speak for the node");
    return;
  }
  const narrowed = narrowReport(event.report);
  if (typeof narrowed === "string") {
    ignore(draft, node.name, `report: ${narrowed}`);
    return;
  }
  take(draft, node, narrowed);
  draft.order({ kind: "ack-report", node: node.name, lease: narrowed.lease, sequence: event.report.sequence });
}

function take(draft: Draft, node: Node, narrowed: NarrowedReport): void {
  const { lease: id, sequence, report: said } = narrowed;
  const uuid = parseLeaseId(id)?.job;
  const job = uuid && draft.world.jobs.get(uuid);
  const lease = job && leaseOf(job);
  const share = shareOn(job, id, node.uuid);
  if (!job || !lease || !share || !isLive(share)) {
    if (said.kind === "done" && releaseZombie(draft, node, id)) return;
    if (share?.phase === "done" && sequence <= share.reportSequence) return;
    ignore(
      draft,
      node.name,
      `${said.kind} of ${id}: ${job ? `the job is at attempt ${job.attempt}` : "there is no such job"}`,
    );
    return;
  }
  if (sequence <= share.reportSequence) return;
  // Nothing follows from it, so nothing need be written.
  if (said.kind === "rank-started") return;
  const fresh = withShare(lease, node.uuid, { reportSequence: sequence });
  switch (said.kind) {
    case "ready":
      if (share.phase === "granted") nodeReady(draft, job, fresh, node.uuid);
      return;
    case "rank-exited":
      rankExited(draft, withLease(job, fresh), node, said);
      return;
    case "failed":
      failed(draft, withLease(job, fresh), node, said);
      return;
    case "done":
      done(
        draft,
        explainedBy(draft, withWarnings(job, share, said.warnings), node, said.deaths),
        node,
        share,
        sequence,
      );
      return;
    default:
      unreachable(said);
  }
}

function withLease(job: Job, lease: Lease): Job {
  return "lease" in job.state ? { ...job, state: { ...job.state, lease } } : job;
}

function rankExited(draft: Draft, job: Job, node: Node, said: Extract<Report, { kind: "rank-exited" }>): void {
  const lease = leaseOf(job);
  if (!lease) return;
  const expansion = expansionOf(job, lease);
  const planned = expansion.ranks.find(({ rank }) => rank === said.rank);
  if (!planned || lease.shares[planned.nodeIndex]?.node !== node.uuid) {
    ignore(draft, node.name, `rank-exited of ${lease.id}: rank ${said.rank} is not on this node`);
    return;
  }
  if (lease.exits.some(({ rank }) => rank === said.rank)) return;
  const { rank, exitCode, signal, stdoutBytes, stderrBytes, stdoutDroppedBytes, stderrDroppedBytes } = said;
  const dropped = {
    ...(stdoutDroppedBytes === 0 ? {} : { stdoutDroppedBytes }),
    ...(stderrDroppedBytes === 0 ? {} : { stderrDroppedBytes }),
  };
  const after = withExit(lease, { rank, node: node.uuid, exitCode, signal, stdoutBytes, stderrBytes, ...dropped });
  const exited = withLease(job, after);
  const alone = lease.shares.length === 1 && after.exits.length === expansion.ranks.length;
  const judgement = judgeExit(exited, node, after, expansion, said);
  if (!judgement || job.state.kind === "stopping") update(draft, exited);
  else stop(draft, judgement.job, judgement.verdict, alone);
  // What befalls its GPUs it tells by itself.
  if (judgement && said.cause?.proven && said.cause.faultClass === "node")
    rememberFailure(draft, node.uuid, "job", `a job died there: ${said.cause.sentence}`);
}

/** `first`: rank 0 decides. `all`: the first failure, or the last success of those that don't just serve. */
function judgeExit(
  job: Job,
  node: Node,
  lease: Lease,
  { endsWith, ranks }: Expansion,
  { rank, exitCode, signal, cause }: Extract<Report, { kind: "rank-exited" }>,
): Judgement | undefined {
  if (endsWith === "first" && rank !== 0) return undefined;
  if (exitCode === 0) {
    const ended = (candidate: number) => lease.exits.some((exit) => exit.rank === candidate);
    const over = endsWith === "first" || ranks.every((planned) => planned.serves || ended(planned.rank));
    return over ? succeeded(job) : undefined;
  }
  const details = [{ name: "rank", value: String(rank) }];
  if (signal > 0) details.push({ name: "signal", value: String(signal) });
  const end =
    signal > 0 ? `rank ${rank} was ended by signal ${signal}` : `rank ${rank} ended with exit code ${exitCode}`;
  if (cause) details.push({ name: "cause", value: cause.sentence }, { name: "faultClass", value: cause.faultClass });
  const machines = cause?.proven ? machineFaults[cause.faultClass] : undefined;
  if (cause && machines) {
    const message = `${end} on node ${node.name}: ${cause.sentence}`;
    return failedByMachine(job, node.uuid, { code: machines, message, details }, "failed");
  }
  const fault = { code: "JobFailed", message: "Job failed with non-zero exit code", details };
  return failedByItself(job, fault, exitCode, cause ? `${end}: ${cause.sentence}` : end);
}

function failed(draft: Draft, job: Job, node: Node, said: Extract<Report, { kind: "failed" }>): void {
  if (job.state.kind === "stopping") {
    update(draft, job);
    return;
  }
  const { job: judged, verdict } = judgeFailure(draft, job, node, said);
  stop(draft, judged, verdict);
}

function judgeFailure(draft: Draft, job: Job, node: Node, said: Extract<Report, { kind: "failed" }>): Judgement {
  const details = [...said.fault.details, { name: "node", value: node.name }];
  const fault = { ...said.fault, details };
  const reason = `on node ${node.name}: ${fault.message}`;
  if (fault.code === "JobPreparationFailed" || fault.code === "JobFailed") {
    return failedByItself(job, fault, said.exitCode, reason);
  }
  if (fault.code === "OwnerRefused") return refusedThere(job, node.uuid, reason);
  if (/MountError$|^FailedStartingContainer$|^AccountRefused$/.test(fault.code))
    return failedByMount(job, node.uuid, fault, othersLeft(draft, job, node));
  // The node killed it for want of our word: lost, as if it had been declared so.
  const lost = fault.code === "LeaseLost" ? "lost" : "failed";
  return failedByMachine(job, node.uuid, { ...fault, message: reason }, lost);
}

/** The cluster has enough nodes that have not failed the job. */
function othersLeft(draft: Draft, job: Job, node: Node): boolean {
  const members = draft.world.index.nodesOfCluster.get(job.request.cluster);
  let left = 0;
  for (const uuid of members?.values() ?? []) if (uuid !== node.uuid && !job.avoid.includes(uuid)) left += 1;
  return left >= job.request.nodeCount;
}

function withWarnings(job: Job, { node }: Share, warnings: readonly string[]): Job {
  const lease = leaseOf(job);
  return lease && warnings.length > 0 ? withLease(job, withShare(lease, node, { warnings })) : job;
}

/** The last report of a lease on a node. Unasked for, it means that the node gave up. */
function done(draft: Draft, job: Job, node: Node, share: Share, sequence: number): void {
  if (job.state.kind === "stopping") {
    shareEnded(draft, job, node.uuid, "done", sequence);
    return;
  }
  const fault = {
    code: "NodeGaveUp",
    message: `node ${node.name} ended the attempt without being told to`,
    details: [],
  };
  const { job: judged, verdict } = failedByMachine(job, share.node, fault, "failed");
  shareEnded(draft, stop(draft, judged, verdict), node.uuid, "done", sequence);
}
