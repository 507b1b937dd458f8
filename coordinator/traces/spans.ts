import type { World } from "../core/memory.js";
import { idOfCluster, idOfJob } from "../core/names.js";
import type { Attempt, Instant, Job } from "../core/state.js";
import { spanIdOf, traceOf } from "../core/trace-context.js";
import type { NodeProgress, Progress } from "./progress.js";
import type { AttributeValue, FinishedSpan } from "./span.js";

/** Why a job waited, as it was found then. */
export interface WaitNote {
  readonly at: Instant;
  readonly reason: string;
}

type Part = Omit<FinishedSpan, "traceId" | "spanId" | "parentSpanId" | "attributes"> & {
  attributes?: Record<string, AttributeValue>;
};

/** `part` names the span within the job's trace, `under` its parent there. */
function spanOf(world: World, job: Job, part: string, under: string, { attributes, ...rest }: Part): FinishedSpan {
  return {
    ...rest,
    to: Math.max(rest.from, rest.to),
    traceId: traceOf(job).traceId,
    spanId: spanIdOf(job, part),
    parentSpanId: spanIdOf(job, under),
    attributes: { "stoker.job.id": idOfJob(world, job), ...attributes },
  };
}

/** From the submission to the end. */
export function jobSpan(world: World, job: Job): FinishedSpan | undefined {
  if (job.state.kind !== "finished") return undefined;
  const { kind, exitCode, errors } = job.state.outcome;
  const cluster = world.clusters.get(job.request.cluster);
  const { traceId, parentSpanId } = traceOf(job);
  return {
    ...{ traceId, spanId: spanIdOf(job, "job"), name: `job ${job.name}`, from: job.createdAt, to: job.state.since },
    ...(parentSpanId === undefined ? {} : { parentSpanId, remoteParent: true }),
    attributes: {
      "stoker.job.id": idOfJob(world, job),
      "stoker.job.uuid": job.uuid,
      "stoker.job.outcome": kind,
      "stoker.job.attempts": job.attempt,
      "stoker.job.node_count": job.request.nodeCount,
      ...(cluster ? { "stoker.cluster.id": idOfCluster(world, cluster) } : {}),
      ...(job.submittedBy === undefined ? {} : { "user.name": job.submittedBy }),
      ...(exitCode === undefined ? {} : { "process.exit.code": exitCode }),
      ...(kind === "succeeded" ? {} : { "error.type": errors[0]?.code ?? kind }),
    },
    ...(kind === "failed" ? { error: errors[0]?.message ?? "failed" } : {}),
  };
}

/** Before attempt `number`, or before an end without one. */
export function queuedSpan(
  world: World,
  job: Job,
  { number, to, notes }: { number: number; to: Instant; notes: readonly WaitNote[] },
): FinishedSpan {
  const before = world.attempts.get(job.uuid)?.findLast((attempt) => attempt.number < number);
  const last = notes.at(-1);
  return spanOf(world, job, `queued ${number}`, "job", {
    ...{ name: "queued", from: before?.endedAt ?? job.createdAt, to },
    attributes: { "stoker.attempt": number, ...(last ? { "stoker.wait.reason": last.reason } : {}) },
    events: notes.map(({ at, reason }) => ({ at, name: "stoker.waits", text: reason })),
  });
}

/** An attempt that has ended, with all that was seen of it. */
export function attemptSpans(world: World, job: Job, attempt: Attempt, progress: Progress | undefined): FinishedSpan[] {
  const { number, startedAt: from, endedAt: to = from, state, reason, exitCode } = attempt;
  const own = `attempt ${number}`;
  const failed = state === "failed" || state === "lost" ? { error: reason || state } : {};
  const common = { "stoker.attempt": number };
  const exit: Record<string, AttributeValue> = exitCode === undefined ? {} : { "process.exit.code": exitCode };
  const nodes = attempt.nodes.map(({ name }) => name);
  const spans = [
    spanOf(world, job, own, "job", {
      ...{ name: own, from, to, ...failed },
      attributes: { ...common, ...exit, "stoker.attempt.state": state, "stoker.nodes": nodes },
    }),
  ];
  if (!progress) return spans;
  const { runningAt, stoppingAt = to, logsAt } = progress;
  if (runningAt !== undefined) {
    const attributes = { ...common, ...exit, "stoker.rank_count": attempt.rankCount };
    spans.push(
      spanOf(world, job, `${own} run`, own, { name: "run", from: runningAt, to: stoppingAt, attributes, ...failed }),
    );
  }
  spans.push(spanOf(world, job, `${own} stop`, own, { name: "stop", from: stoppingAt, to, attributes: common }));
  if (logsAt !== undefined && logsAt > stoppingAt) {
    spans.push(
      spanOf(world, job, `${own} logs`, own, { name: "logs", from: stoppingAt, to: logsAt, attributes: common }),
    );
  }
  for (const [node, seen] of progress.nodes) spans.push(...nodeSpans(world, job, { own, node, seen, from, to }));
  return spans;
}

interface OnNode {
  own: string;
  node: string;
  seen: NodeProgress;
  from: Instant;
  to: Instant;
}

function nodeSpans(world: World, job: Job, { own, node, seen, from, to }: OnNode): FinishedSpan[] {
  const part = `${own} ${node}`;
  const attributes = { "host.name": node };
  const end = seen.endedAt ?? to;
  const lost = seen.lost ? { error: `node ${node} was lost` } : {};
  const spans = [spanOf(world, job, part, own, { name: `node ${node}`, from, to: end, attributes, ...lost })];
  if (seen.heardAt !== undefined) {
    spans.push(spanOf(world, job, `${part} grant`, part, { name: "lease grant", from, to: seen.heardAt, attributes }));
  }
  if (seen.readyAt !== undefined) {
    spans.push(spanOf(world, job, `${part} prepare`, part, { name: "prepare", from, to: seen.readyAt, attributes }));
  }
  seen.steps.forEach(({ name, since, until }, at) => {
    const under = seen.readyAt !== undefined && since < seen.readyAt ? `${part} prepare` : part;
    spans.push(spanOf(world, job, `${part} step ${at}`, under, { name, from: since, to: until ?? end, attributes }));
  });
  return spans;
}
