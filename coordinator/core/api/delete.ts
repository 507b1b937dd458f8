import { Fault } from "../../../shared/fault.js";
import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import { nameFor } from "../access/foreign.js";
import { changeCluster, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import { withdraw, withdrawAtOnce } from "../file-servers/exports.js";
import { record, remove, terminate, update } from "../job.js";
import type { World } from "../memory.js";
import { findCluster, findExperiment, findFileServer, findJob, idOfJob, resolveFileServer } from "../names.js";
import { beginWithering } from "../scaling/wither.js";
import { SortedMap } from "../sorted-map.js";
import type { Cluster, Experiment, FileServer, Job, Workspace } from "../state.js";

const isUnfinished = (job: Job) => job.state.kind !== "finished";

function* jobsOf(world: World, experiment: Experiment): Generator<Job> {
  const jobs = world.index.jobsOfExperiment.get(experiment.uuid) ?? SortedMap.empty<Job["uuid"]>();
  for (const uuid of jobs.values()) {
    const job = world.jobs.get(uuid);
    if (job) yield job;
  }
}

/** Its jobs end, and it goes with the last: see scaling/wither.ts. */
export function deleteCluster(draft: Draft, id: string): string {
  const cluster = findCluster(draft.world, id);
  beginWithering(draft, cluster);
  return cluster.uuid;
}

export function removeCluster(draft: Draft, cluster: Cluster): void {
  for (const node of [...membersOf(draft.world, cluster)]) changeCluster(draft, node, undefined);
  draft.delete("cluster", cluster.uuid);
  draft.membershipStale = true;
}

export function deleteFileServer(draft: Draft, id: string): string {
  const server = findFileServer(draft.world, id);
  refuseMounted(draft, server);
  withdraw(draft, server);
  return server.uuid;
}

export function removeFileServer(draft: Draft, server: FileServer): void {
  withdrawAtOnce(draft, server);
}

/** `except`: a workspace that goes along with it. */
export function refuseMounted(draft: Draft, server: FileServer, except?: Workspace): void {
  const { world } = draft;
  const mounts = (workspace: Workspace | undefined, volumes: MountVolumes | undefined) =>
    workspace !== undefined &&
    (volumes?.fileServers ?? []).some(
      ({ fileServer }) => resolveFileServer(world, workspace, fileServer?.id ?? "").uuid === server.uuid,
    );
  const refuse = (what: string) => new Fault("failed-precondition", `file server ${server.name} is mounted by ${what}`);
  for (const { source, fileServer } of world.storageMappings.values()) {
    if (fileServer !== server.uuid) continue;
    const message = `file server ${server.name} stands in for ${source}: \`stoker storage unmap '${source}'\` first`;
    throw new Fault("failed-precondition", message);
  }
  for (const cluster of world.clusters.values()) {
    if (cluster.workspace === except?.uuid) continue;
    if (mounts(world.workspaces.get(cluster.workspace), cluster.spec.nodeSetup?.mountVolumes)) {
      throw refuse(nameFor(draft, "cluster", cluster.workspace, `cluster ${cluster.name}`));
    }
  }
  for (const job of world.jobs.values()) {
    const experiment = world.experiments.get(job.experiment);
    if (!isUnfinished(job) || !experiment || experiment.workspace === except?.uuid) continue;
    if (mounts(world.workspaces.get(experiment.workspace), job.spec.mountVolumes)) {
      throw refuse(nameFor(draft, "job", experiment.workspace, idOfJob(world, job)));
    }
  }
}

/** Its jobs are terminated and go as they end; it goes with the last. */
export function deleteExperiment(draft: Draft, id: string): string {
  const experiment = findExperiment(draft.world, id);
  dropExperiment(draft, experiment);
  return experiment.uuid;
}

export function dropExperiment(draft: Draft, experiment: Experiment): void {
  const deletingSince = experiment.deletingSince ?? draft.now;
  if (!experiment.deleting) draft.put("experiment", { ...experiment, deleting: true, deletingSince });
  const jobs = [...jobsOf(draft.world, experiment)];
  for (const job of jobs) drop(draft, job);
  if (jobs.length === 0) draft.delete("experiment", experiment.uuid);
  draft.withdrawalStale = true;
}

export function deleteJob(draft: Draft, id: string): string {
  const job = findJob(draft.world, id);
  drop(draft, job);
  return job.uuid;
}

function drop(draft: Draft, job: Job): void {
  if (job.state.kind === "finished") {
    remove(draft, job);
    return;
  }
  const dropped = { ...job, deleting: true, deletingSince: job.deletingSince ?? draft.now };
  terminate(draft, job.deleting ? update(draft, dropped) : record(draft, dropped, "to be deleted"));
}
