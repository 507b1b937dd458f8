import { Fault } from "../../../shared/fault.js";
import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import { changeCluster, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import { record, remove, terminate, update } from "../job.js";
import type { World } from "../memory.js";
import {
  findCluster,
  findExperiment,
  findFileServer,
  findJob,
  findWorkspace,
  idOfJob,
  resolveFileServer,
} from "../names.js";
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

/** Takes what it holds along. Refused while a job in it, or on a cluster of it, has not ended. */
export function deleteWorkspace(draft: Draft, id: string): string {
  const workspace = findWorkspace(draft.world, id);
  const inside = (row: { workspace: Workspace["uuid"] }) => row.workspace === workspace.uuid;
  const experiments = [...draft.world.experiments.values()].filter(inside);
  const clusters = [...draft.world.clusters.values()].filter(inside);
  const fileServers = [...draft.world.fileServers.values()].filter(inside);
  for (const experiment of experiments) {
    for (const job of jobsOf(draft.world, experiment)) if (isUnfinished(job)) throw stillThere("workspace", draft, job);
  }
  for (const cluster of clusters) refuseBusy(draft, cluster);
  for (const server of fileServers) refuseMounted(draft, server, workspace);
  for (const experiment of experiments) {
    for (const job of jobsOf(draft.world, experiment)) remove(draft, job);
    draft.delete("experiment", experiment.uuid);
  }
  for (const cluster of clusters) removeCluster(draft, cluster);
  for (const server of fileServers) draft.delete("file-server", server.uuid);
  draft.delete("workspace", workspace.uuid);
  return workspace.uuid;
}

function stillThere(noun: string, draft: Draft, job: Job): Fault {
  const id = idOfJob(draft.world, job);
  return new Fault("failed-precondition", `the ${noun} has a job that has not ended: ${id}; terminate it first`);
}

export function deleteCluster(draft: Draft, id: string): string {
  const cluster = findCluster(draft.world, id);
  refuseBusy(draft, cluster);
  removeCluster(draft, cluster);
  return cluster.uuid;
}

function refuseBusy(draft: Draft, cluster: Cluster): void {
  const { world } = draft;
  for (const jobs of [world.index.queue.get(cluster.uuid), world.index.active.get(cluster.uuid)]) {
    for (const uuid of jobs?.values() ?? []) {
      const job = world.jobs.get(uuid);
      if (job) throw stillThere("cluster", draft, job);
    }
  }
}

function removeCluster(draft: Draft, cluster: Cluster): void {
  for (const node of [...membersOf(draft.world, cluster)]) changeCluster(draft, node, undefined);
  draft.delete("cluster", cluster.uuid);
  draft.membershipStale = true;
}

export function deleteFileServer(draft: Draft, id: string): string {
  const server = findFileServer(draft.world, id);
  refuseMounted(draft, server);
  draft.delete("file-server", server.uuid);
  return server.uuid;
}

/** `except`: a workspace that goes along with it. */
function refuseMounted({ world }: Draft, server: FileServer, except?: Workspace): void {
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
      throw refuse(`cluster ${cluster.name}`);
    }
  }
  for (const job of world.jobs.values()) {
    const experiment = world.experiments.get(job.experiment);
    if (!isUnfinished(job) || !experiment) continue;
    if (mounts(world.workspaces.get(experiment.workspace), job.spec.mountVolumes)) throw refuse(idOfJob(world, job));
  }
}

/** Its jobs are terminated and go as they end; it goes with the last. */
export function deleteExperiment(draft: Draft, id: string): string {
  const experiment = findExperiment(draft.world, id);
  draft.put("experiment", { ...experiment, deleting: true });
  const jobs = [...jobsOf(draft.world, experiment)];
  for (const job of jobs) drop(draft, job);
  if (jobs.length === 0) draft.delete("experiment", experiment.uuid);
  return experiment.uuid;
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
  const dropped = { ...job, deleting: true };
  terminate(draft, job.deleting ? update(draft, dropped) : record(draft, dropped, "to be deleted"));
}
