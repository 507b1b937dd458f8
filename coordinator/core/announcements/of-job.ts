import type { Draft } from "../draft.js";
import { leaseOf } from "../indexes.js";
import type { World } from "../memory.js";
import { idOfCluster, idOfJob } from "../names.js";
import type { Attempt, Job } from "../state.js";
import { announce } from "./announce.js";
import type { AnnouncementData } from "./announcement.js";
import type { AnnouncementKind } from "./kinds.js";

/** What came of a job in one step. */
export function announceJob(draft: Draft, before: Job | undefined, job: Job): void {
  if (!before) tellOfJob(draft, job, "job-queued", job.uuid, "was submitted", {});
  const ended = before && leaseOf(before)?.attempt;
  const now = leaseOf(job)?.attempt;
  const { state } = job;
  if (ended !== undefined && state.kind !== "finished" && now !== ended) announceRequeued(draft, job, ended);
  if (state.kind === "running" && !(before?.state.kind === "running" && ended === now)) announceStarted(draft, job);
  if (state.kind === "finished" && before?.state.kind !== "finished") announceFinished(draft, job);
}

function announceRequeued(draft: Draft, job: Job, number: number): void {
  const attempt = attemptOf(draft.world, job, number);
  const reason = attempt?.reason ?? "";
  const data = { ...nodesOf(attempt), reason, endedAs: attempt?.state ?? "", attempt: number };
  const words = `is queued again after attempt ${number}${reason === "" ? "" : `: ${reason}`}`;
  tellOfJob(draft, job, "job-requeued", `${job.uuid}.${number}`, words, data);
}

function announceStarted(draft: Draft, job: Job): void {
  const attempt = attemptOf(draft.world, job, job.attempt);
  const nodes = nodesOf(attempt);
  const waitedSeconds = seconds(draft.now - job.createdAt);
  tellOfJob(draft, job, "job-started", `${job.uuid}.${job.attempt}`, `runs on ${nodes.nodes}`, {
    ...nodes,
    waitedSeconds,
  });
}

function announceFinished(draft: Draft, job: Job): void {
  if (job.state.kind !== "finished") return;
  const { kind, exitCode, errors } = job.state.outcome;
  const attempt = attemptOf(draft.world, job, job.attempt);
  const reason = [
    errors[0]?.message ?? "",
    ...(attempt && attempt.reason !== errors[0]?.message ? [attempt.reason] : []),
  ]
    .filter((text) => text !== "")
    .join(": ");
  const data: AnnouncementData = {
    ...nodesOf(attempt),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(attempt ? { ranSeconds: seconds(draft.now - attempt.startedAt) } : {}),
    ...(kind === "succeeded" ? {} : { reason, code: errors[0]?.code ?? "" }),
  };
  const why = kind === "succeeded" || reason === "" ? "" : `: ${reason}`;
  const words = { succeeded: "has succeeded", failed: `has failed${why}`, terminated: `was terminated${why}` };
  tellOfJob(draft, job, `job-${kind}`, job.uuid, words[kind], data);
}

/** `words` follow the job's name. */
export function tellOfJob(
  draft: Draft,
  job: Job,
  kind: AnnouncementKind,
  key: string,
  words: string,
  data: AnnouncementData,
): void {
  const { world } = draft;
  const experiment = world.experiments.get(job.experiment);
  const workspace = experiment && world.workspaces.get(experiment.workspace);
  const cluster = world.clusters.get(job.request.cluster);
  announce(draft, {
    id: `${kind}.${key}`,
    kind,
    at: draft.now,
    subject: idOfJob(world, job),
    message: `job ${job.name} ${words}`,
    scope: {
      ...{ job: job.uuid, experiment: job.experiment },
      ...(experiment ? { workspace: experiment.workspace } : {}),
      ...(job.submittedBy === undefined ? {} : { submitter: job.submittedBy }),
    },
    data: {
      ...{ job: job.name, jobUuid: job.uuid, experiment: experiment?.name ?? "", workspace: workspace?.name ?? "" },
      ...{ cluster: cluster ? idOfCluster(world, cluster) : "", attempt: job.attempt },
      ...data,
    },
  });
}

const attemptOf = (world: World, job: Job, number: number) =>
  world.attempts.get(job.uuid)?.find((attempt) => attempt.number === number);

const nodesOf = (attempt: Attempt | undefined) => ({
  nodes: (attempt?.nodes ?? []).map(({ name }) => name).join(", "),
});

export const seconds = (ms: number) => Math.round(ms / 1000);
