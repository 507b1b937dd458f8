import type { LeaseGrant } from "../../../shared/gen/stoker/v1/lease_pb.js";
import type { World } from "../memory.js";
import { idOfJob } from "../names.js";
import { submitterOf } from "../owner.js";
import type { Plain } from "../plain.js";
import type { Job, Lease, Share } from "../state.js";
import { expandToolkit } from "../toolkits/index.js";
import { hostFile } from "../toolkits/mpi.js";
import { containerOf } from "./container.js";
import { environmentOf } from "./environment.js";
import { gangOf } from "./gang.js";
import { placesOf } from "./places.js";
import { clusterVolumes, jobVolumes } from "./volumes.js";

/** The whole plan that one node carries out for an attempt. Made from rows alone, so that it is the same each time it is sent. */
export function grantFor(world: World, job: Job, lease: Lease, share: Share): Plain<LeaseGrant> {
  const places = placesOf(world, job);
  const gang = gangOf(job, lease, places.isTempShared);
  const expansion = expandToolkit(job.spec, gang);
  const nodeIndex = lease.shares.indexOf(share);
  const cluster = world.clusters.get(job.request.cluster);
  const onNode = lease.shares.length > 1 ? `-${share.nodeName}` : "";
  return {
    leaseId: lease.id,
    submittedBy: submitterOf(job),
    jobUuid: job.uuid,
    attempt: lease.attempt,
    jobId: idOfJob(world, job),
    nodeIndex,
    nodes: lease.shares.map(({ nodeName, host }) => ({ name: nodeName, host })),
    ttlMs: BigInt(world.settings.leaseTtlMs),
    clusterMounts: cluster ? [...clusterVolumes(world, cluster).mounts] : [],
    jobMounts: [...jobVolumes(world, job).mounts],
    directories: [
      ...new Set([...places.outputs.map(({ path }) => path), places.checkpointDirectory, places.sharedTemp]),
    ],
    environment: environmentOf(world, job, lease, share, gang, expansion),
    secrets: job.spec.secrets.map(({ name, value }) => ({ name, value })),
    ...containerOf(job),
    stdDirectory: places.stdDirectory,
    hostFile: hostFile(
      lease.shares.map(({ host }) => host),
      expansion.slotsByNode,
    ),
    preparationCommandLine: job.spec.jobPreparation?.commandLine ?? "",
    ranks: expansion.ranks
      .filter((rank) => rank.nodeIndex === nodeIndex)
      .map(({ rank, commandLine, environment, stdoutName, stderrName }) => ({
        rank,
        commandLine,
        environment: [...environment],
        stdoutName,
        stderrName,
      })),
    startWhenReady: lease.shares.length === 1,
    gpuUuids: [...share.held.gpuUuids],
    cpus: share.held.cpus,
    memoryBytes: BigInt(share.held.memoryBytes),
    killGraceSeconds: world.settings.killGraceSeconds,
    executionLogName: onNode === "" ? "execution.log" : `execution${onNode}.log`,
    preparationStdoutName: `stdout-job_prep${onNode}.txt`,
    preparationStderrName: `stderr-job_prep${onNode}.txt`,
    jobPathSegment: idOfJob(world, job),
    logLimitBytes: BigInt(job.request.logLimitBytes ?? world.settings.logLimitBytes),
    onLeaseLoss: job.spec.onLeaseLoss,
    testBeforeStart: job.spec.testBeforeStart ?? cluster?.spec.testBeforeStart ?? false,
  };
}
