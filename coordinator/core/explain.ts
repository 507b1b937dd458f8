import type { JobId } from "../../shared/ids.js";
import type { Candidate } from "./checks/check.js";
import { firstObjection, fitting, jobObjection, room, standing } from "./checks/index.js";
import { membersOf } from "./cluster.js";
import { openFindings } from "./gang-watch/findings.js";
import { unpreparable } from "./grant/unpreparable.js";
import { isLive, leaseOf } from "./indexes.js";
import type { World } from "./memory.js";
import { idOfJob } from "./names.js";
import { candidateFor, candidatesOf, place } from "./placement.js";
import { policies } from "./policies/index.js";
import { queuePosition } from "./queries.js";
import { activeJobsOf } from "./quota/active.js";
import { allocationOf } from "./scaling/allocation.js";
import type { Cluster, Instant, Job, Node } from "./state.js";
import { SweepLimits } from "./sweep-limits.js";
import { withheldReason } from "./witnesses/quorum.js";

/** Why a job waits, by the very checks and rules that hold it back; or what it is doing. */
export interface Explanation {
  /** One sentence. */
  readonly summary: string;
  readonly queuePosition: number;
  readonly reasons: readonly WaitReason[];
  readonly since: Instant;
}

export interface WaitReason {
  readonly check: string;
  readonly message: string;
  /** Names of the nodes that it rules out. */
  readonly nodes: readonly string[];
  /** Ids of the jobs that hold what is missing. */
  readonly heldBy: readonly string[];
}

export function explain(world: World, job: Job, now: Instant): Explanation {
  const told = { queuePosition: queuePosition(world, job), since: job.state.since };
  if (job.state.kind !== "queued")
    return {
      ...told,
      summary: doing(job),
      reasons: [...silences(world, job, now), ...steps(world, job, now), ...suspicions(job), ...passedOver(job)],
    };
  const cluster = world.clusters.get(job.request.cluster);
  if (!cluster) return { ...told, summary: "it waits for a cluster that is gone", reasons: [] };
  const candidates = candidatesOf(world, cluster);
  const limits = new SweepLimits(world, cluster);
  const own = ownReasons(world, job);
  const reasons = [
    ...own,
    ...sweepReasons(world, job, cluster, limits),
    ...nodeReasons(world, job, cluster, candidates, now),
    ...(own.length > 0 ? [] : orderReasons(world, job, limits.first(), candidates, now)),
  ];
  return { ...told, summary: summaryOf(job, reasons, told.queuePosition), reasons };
}

/** Its nodes that have fallen silent, and that nobody may call lost yet. */
function silences(world: World, job: Job, now: Instant): WaitReason[] {
  return (leaseOf(job)?.shares ?? []).flatMap((share) => {
    const node = isLive(share) ? world.nodes.get(share.node) : undefined;
    const message = node && withheldReason(world, node, now);
    return message === undefined
      ? []
      : [{ check: "silent", message: `${share.nodeName}: ${message}`, nodes: [share.nodeName], heldBy: [] }];
  });
}

/** Nodes that it would have got, had nothing failed there lately. */
function passedOver(job: Job): WaitReason[] {
  return (leaseOf(job)?.passedOver ?? []).map(({ node, why }) => ({
    ...{ check: "history", message: `${node} was passed over: ${why}`, nodes: [node], heldBy: [] },
  }));
}

/** What the gang watch makes of it. */
function suspicions(job: Job): WaitReason[] {
  return openFindings(job).map(({ kind, sentence, gpus }) => ({
    check: kind,
    message: sentence,
    nodes: [...new Set(gpus.map(({ node }) => node))],
    heldBy: [],
  }));
}

/** What its nodes say that they are at, before its ranks and after them. */
function steps(world: World, job: Job, now: Instant): WaitReason[] {
  const lease = leaseOf(job);
  return (lease?.shares ?? []).flatMap((share) => {
    const said = isLive(share)
      ? world.liveness.get(share.node)?.doing?.find((each) => each.lease === lease?.id)
      : undefined;
    if (!said) return [];
    const seconds = Math.round((now - said.since) / 1000);
    const lasting = said.since > 0 && seconds >= 2 ? `, for ${seconds} s` : "";
    const message = `${share.nodeName}: ${said.step}${lasting}`;
    return [{ check: "step", message, nodes: [share.nodeName], heldBy: [] }];
  });
}

function doing({ state, attempt }: Job): string {
  switch (state.kind) {
    case "preparing": {
      const waiting = state.lease.shares.filter(({ phase }) => phase === "granted").map(({ nodeName }) => nodeName);
      return `attempt ${attempt} is being prepared; not ready yet: ${waiting.join(", ")}`;
    }
    case "running":
      return `attempt ${attempt} runs on ${state.lease.shares.map(({ nodeName }) => nodeName).join(", ")}`;
    case "stopping": {
      const left = state.lease.shares.filter(({ phase }) => phase === "granted" || phase === "ready");
      const why = state.verdict.reason === "" ? "" : ` (${state.verdict.reason})`;
      return `attempt ${attempt} is ending${why}; not ended yet on ${left.map(({ nodeName }) => nodeName).join(", ")}`;
    }
    case "finished":
      return `it ${state.outcome.kind === "succeeded" ? "succeeded" : `ended as ${state.outcome.kind}`}`;
    default:
      return "it waits";
  }
}

/** Each check's first objection to each machine, the same ones together. */
function nodeReasons(
  world: World,
  job: Job,
  cluster: Cluster,
  candidates: readonly Candidate[],
  now: Instant,
): WaitReason[] {
  const found = new Map<string, { check: string; message: string; nodes: string[]; heldBy: Set<JobId> }>();
  for (const candidate of candidates) {
    const blocked = firstObjection([...standing, ...fitting, ...room], job, candidate, { world, now });
    if (!blocked) continue;
    const key = `${blocked.check} ${blocked.message}`;
    const reason = found.get(key) ?? { check: blocked.check, message: blocked.message, nodes: [], heldBy: new Set() };
    reason.nodes.push(candidate.node.name);
    for (const holder of blocked.heldBy ?? []) reason.heldBy.add(holder);
    found.set(key, reason);
  }
  const reasons: WaitReason[] = [...found.values()].map(({ check, message, nodes, heldBy }) => ({
    check,
    message: `${nodes.length === 1 ? "a node" : `each of ${nodes.length} nodes`} ${message}`,
    nodes,
    heldBy: idsOf(world, heldBy),
  }));
  const members = [...membersOf(world, cluster)].length;
  // More than the cluster is to have is told by a check of its own.
  if (job.request.nodeCount > cluster.size.maximum) return reasons;
  if (members < job.request.nodeCount) reasons.unshift(tooFew(world, job, cluster, members));
  return reasons;
}

function idsOf(world: World, jobs: Iterable<JobId>): string[] {
  return [...jobs].flatMap((uuid) => {
    const job = world.jobs.get(uuid);
    return job ? [idOfJob(world, job)] : [];
  });
}

function tooFew(world: World, job: Job, cluster: Cluster, members: number): WaitReason {
  const { shortage } = allocationOf(world, cluster);
  const why = shortage === "" ? "" : `; ${shortage}`;
  const outside: Node[] = [...world.nodes.values()].filter(({ cluster: other }) => other !== cluster.uuid);
  return {
    check: "in-cluster",
    message: `cluster ${cluster.name} has ${members} nodes, ${job.request.nodeCount} needed${why}`,
    nodes: outside.map(({ name }) => name),
    heldBy: idsOf(
      world,
      outside.flatMap((node) => candidateFor(world, node).usage.holders.map((holder) => holder.job)),
    ),
  };
}

/** What stands before it in the queue, when there would be room for it otherwise. */
function orderReasons(
  world: World,
  job: Job,
  head: Job | undefined,
  candidates: readonly Candidate[],
  now: Instant,
): WaitReason[] {
  const fault = unpreparable(world, job);
  if (!head || head.uuid === job.uuid) return [];
  const behind = { check: "queue-order", nodes: [], heldBy: [idOfJob(world, head)] };
  if (fault) return [{ ...behind, message: `its turn has not come (and then it will fail: ${fault.message})` }];
  const placement = place(world, job, candidates, now);
  if (!placement) return [];
  const rules = policies[world.settings.policy].behind(world, head, candidates, now);
  const message = rules ? rules.objection(job, placement) : "jobs start in the order of the queue";
  return [{ ...behind, message: message ?? "its turn comes with the next pass" }];
}

/** What the job lacks wherever its nodes are. */
function ownReasons(world: World, job: Job): WaitReason[] {
  const blocked = jobObjection(job, world);
  if (!blocked) return [];
  const uuid = world.experiments.get(job.experiment)?.workspace;
  const workspace = uuid && world.workspaces.get(uuid);
  const holders = blocked.check === "quota" && workspace ? [...activeJobsOf(world, workspace)] : [];
  return [
    { check: blocked.check, message: blocked.message, nodes: [], heldBy: holders.map((held) => idOfJob(world, held)) },
  ];
}

/** Its own sweep holds it back. */
function sweepReasons(world: World, job: Job, cluster: Cluster, limits: SweepLimits): WaitReason[] {
  const { sweep } = job.request;
  const running = limits.reached(job);
  if (!sweep || running === undefined) return [];
  const of = (other: Job | undefined) =>
    other?.request.sweep?.name === sweep.name && other.experiment === job.experiment;
  const active = [...(world.index.active.get(cluster.uuid)?.values() ?? [])];
  const message = `${running} jobs of sweep ${sweep.name} run, of ${sweep.runningMax} that may`;
  return [
    {
      check: "sweep-limit",
      message,
      nodes: [],
      heldBy: idsOf(
        world,
        active.filter((uuid) => of(world.jobs.get(uuid))),
      ),
    },
  ];
}

function summaryOf(job: Job, reasons: readonly WaitReason[], position: number): string {
  const { nodeCount } = job.request;
  const place =
    position === 0 ? "it is first in the queue" : `${position} ${position === 1 ? "job goes" : "jobs go"} before it`;
  const first = reasons[0];
  if (!first) return `it needs ${nodeCount} ${nodeCount === 1 ? "node" : "nodes"} and is about to be placed; ${place}`;
  return `it needs ${nodeCount} ${nodeCount === 1 ? "node" : "nodes"}: ${first.message}; ${place}`;
}
