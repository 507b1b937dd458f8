import type { World } from "../memory.js";
import { idOfJob } from "../names.js";
import type { Job, Lease, Share } from "../state.js";
import { launcherEnvironment } from "../toolkits/mpi.js";
import { type Expansion, type Gang, type Variable, variable } from "../toolkits/toolkit.js";
import { traceParentOf } from "../trace-context.js";
import { type Places, placesOf } from "./places.js";

/**
 * The variables of one node of an attempt, in the order in which the agent expands them, after its own mount roots and job temp: Batch AI's
 * and Stoker's, inputs, outputs, the user's. Secrets go apart and are never expanded.
 */
export function environmentOf(
  world: World,
  job: Job,
  lease: Lease,
  share: Share,
  gang: Gang,
  expansion: Expansion,
): Variable[] {
  const places = placesOf(world, job);
  return [
    ...batchAi(share, gang, places),
    ...stoker(world, job, lease, share, places),
    ...launcherEnvironment(gang.oneMachine),
    ...expansion.environment,
    ...job.spec.inputDirectories.map(({ id, path }) => variable(`AZ_BATCHAI_INPUT_${id}`, path)),
    ...places.outputs.map(({ id, path }) => variable(`AZ_BATCHAI_OUTPUT_${id}`, path)),
    // What an earlier attempt left is in the same place.
    ...(lease.attempt > 1 ? places.outputs.map(({ id, path }) => variable(`AZ_BATCHAI_PREV_OUTPUT_${id}`, path)) : []),
    ...job.spec.environmentVariables.map(({ name, value }) => variable(name, value)),
  ];
}

function batchAi(share: Share, gang: Gang, places: Places): Variable[] {
  const hosts = gang.nodes.map(({ host }) => host);
  const master = hosts[0] ?? "";
  const gpus = share.held.gpuUuids.length;
  return [
    variable("AZ_BATCHAI_SHARED_JOB_TEMP", places.sharedTemp),
    variable("AZ_BATCHAI_STDOUTERR_DIR", places.stdDirectory || "$AZ_BATCHAI_JOB_TEMP/stdouterr"),
    variable("AZ_BATCHAI_NUM_GPUS", gpus),
    variable("AZ_BATCHAI_NUM_GPUS_PER_NODE", gpus),
    variable("AZ_BATCHAI_JOB_MASTER_NODE_IP", master),
    variable("AZ_BATCHAI_MPI_MASTER_NODE", master),
    variable("AZ_BATCH_HOST_LIST", hosts.join(",")),
    variable("AZ_BATCH_NODE_LIST", hosts.join(";")),
    variable("AZ_BATCH_MASTER_NODE", `${master}:6000`),
    variable("AZ_BATCH_IS_CURRENT_NODE_MASTER", String(share.nodeName === gang.nodes[0]?.name)),
  ];
}

function stoker(world: World, job: Job, lease: Lease, share: Share, places: Places): Variable[] {
  return [
    variable("STOKER_JOB_ID", idOfJob(world, job)),
    variable("STOKER_JOB_UUID", job.uuid),
    variable("STOKER_ATTEMPT", lease.attempt),
    variable("STOKER_NODE", share.nodeName),
    variable(
      "STOKER_NODE_INDEX",
      lease.shares.findIndex(({ node }) => node === share.node),
    ),
    variable("STOKER_NODE_COUNT", lease.shares.length),
    variable("STOKER_CHECKPOINT_DIR", places.checkpointDirectory),
    ...(job.traceParent === undefined && !world.settings.traced
      ? []
      : [variable("TRACEPARENT", traceParentOf(job, lease.attempt))]),
  ];
}
