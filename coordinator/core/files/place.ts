import { Fault } from "../../../shared/fault.js";
import type { FilePlace } from "../../../shared/gen/stoker/v1/relay_pb.js";
import { shown } from "../admission/fields.js";
import { environmentOf } from "../grant/environment.js";
import { gangOf } from "../grant/gang.js";
import { placesOf } from "../grant/places.js";
import { clusterVolumes, jobVolumes } from "../grant/volumes.js";
import { leaseOf } from "../indexes.js";
import type { World } from "../memory.js";
import { idOfCluster, idOfJob, nodeNamed, outputSegmentOf } from "../names.js";
import { submitterOf } from "../owner.js";
import type { Plain } from "../plain.js";
import { attemptsOf } from "../queries.js";
import type { Cluster, Job, Lease } from "../state.js";
import { expandToolkit } from "../toolkits/index.js";

/** The directory of the std files, which no job declares. */
export const stdDirectoryId = "stdouterr";

/** Names of the nodes of its latest attempt, in order. */
export function nodesOfJob(world: World, job: Job): string[] {
  return (
    attemptsOf(world, job)
      .at(-1)
      ?.nodes.map(({ name }) => name) ?? []
  );
}

/** What an agent needs to find one of the job's directories. Throws the Fault of an id that the job does not have. */
export function placeOfJob(world: World, job: Job, directoryId: string): Omit<Plain<FilePlace>, "ownDisk"> {
  const path = pathOf(world, job, directoryId);
  const segment = outputSegmentOf(world, job);
  const at = path.indexOf(segment);
  const cluster = world.clusters.get(job.request.cluster);
  return {
    base: at < 0 ? path : path.slice(0, at) || "/",
    below: at < 0 ? "" : path.slice(at),
    environment: variablesOf(world, job),
    jobPathSegment: idOfJob(world, job),
    clusterMounts: cluster ? [...clusterVolumes(world, cluster).mounts] : [],
    jobMounts: [...jobVolumes(world, job).mounts],
    submittedBy: submitterOf(job),
    withoutLinks: false,
  };
}

function pathOf(world: World, job: Job, directoryId: string): string {
  const places = placesOf(world, job);
  const ids = [stdDirectoryId, ...places.outputs.map(({ id }) => id)];
  if (directoryId === stdDirectoryId) {
    if (places.stdDirectory !== "") return places.stdDirectory;
    throw new Fault(
      "failed-precondition",
      "the job gave no stdOutErrPathPrefix, so its std files are in Stoker: `stoker job logs` has them",
    );
  }
  const found = places.outputs.find(({ id }) => id === directoryId);
  if (found) return found.path;
  throw new Fault(
    "not-found",
    `the specified outputDirectoryId ${shown(directoryId, 100)} is not one of the job's, which are: ${ids.join(", ")}`,
  );
}

/** As those of its first node in its latest attempt, which are not kept but made again. */
function variablesOf(world: World, job: Job): ReturnType<typeof environmentOf> {
  const lease = leaseOf(job) ?? pastLease(world, job);
  const share = lease?.shares[0];
  if (!lease || !share) return [];
  const gang = gangOf(job, lease, placesOf(world, job).isTempShared);
  return environmentOf(world, job, lease, share, gang, expandToolkit(job.spec, gang));
}

function pastLease(world: World, job: Job): Lease | undefined {
  const attempt = attemptsOf(world, job).at(-1);
  if (!attempt || attempt.nodes.length === 0) return undefined;
  const whole = job.request.share.kind === "whole";
  return {
    id: `${job.uuid}.${attempt.number}` as Lease["id"],
    attempt: attempt.number,
    grantedAt: attempt.startedAt,
    rankCount: attempt.rankCount,
    exits: attempt.exits,
    shares: attempt.nodes.map(({ name, address, gpuUuids }) => ({
      node: nodeNamed(world, name)?.uuid ?? (name as Lease["shares"][number]["node"]),
      nodeName: name,
      host: address || name,
      held: { gpuUuids, cpus: 1, memoryBytes: 0, whole },
      phase: "done",
      reportSequence: 0,
    })),
  };
}

/** The same for what a cluster's setup task has written. */
export function placeOfCluster(world: World, cluster: Cluster): Omit<Plain<FilePlace>, "ownDisk"> {
  const prefix = cluster.spec.nodeSetup?.setupTask?.stdOutErrPathPrefix ?? "";
  if (prefix === "") {
    throw new Fault(
      "failed-precondition",
      `cluster ${cluster.name} has no setup task that writes files: setupTask.stdOutErrPathPrefix says where they go`,
    );
  }
  return {
    base: prefix,
    below: `${idOfCluster(world, cluster)}/${cluster.uuid}`,
    environment: [],
    jobPathSegment: "",
    clusterMounts: [...clusterVolumes(world, cluster).mounts],
    jobMounts: [],
    withoutLinks: true,
  };
}
