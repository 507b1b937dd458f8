import { Fault } from "../../../shared/fault.js";
import type { EnvironmentVariableWithSecretValue } from "../../../shared/gen/stoker/v1/environment_pb.js";
import type { JobSpec, Resources, Sweep } from "../../../shared/gen/stoker/v1/job_pb.js";
import { refuseDeleting, refuseGoing } from "../deleting.js";
import { admitIdleLimit } from "../gang-watch/idle-limit.js";
import type { World } from "../memory.js";
import { idOfCluster, resolveCluster } from "../names.js";
import { changeJobSecrets } from "../secrets/fields.js";
import { withReferences } from "../secrets/reference.js";
import type { Cluster, JobRequest, Priority, ShareRequest, SweepRequest, Workspace } from "../state.js";
import { admitToolkit } from "../toolkits/index.js";
import { admitContainer } from "./container.js";
import {
  admitClean,
  admitCount,
  admitDirectoryId,
  admitName,
  admitPathText,
  admitText,
  admitUnique,
  admitVariableName,
  admitWord,
  pathMax,
  refuse,
} from "./fields.js";
import { possible, withinQuota } from "./possible.js";
import { admitDuration, admitMemory, defaultWallClock } from "./quantities.js";
import { admitVolumes } from "./volumes.js";

/**
 * Is this job possible at all? Gives the spec with Batch AI's defaults filled in, and what scheduling needs of it in a form that needs no
 * second look.
 */
export function admitJob(given: JobSpec, world: World, workspace: Workspace): { spec: JobSpec; request: JobRequest } {
  const { spec, keys: secrets } = withReferences(given, changeJobSecrets, world, workspace);
  const priority = admitWord("schedulingPriority", spec.schedulingPriority, ["normal", "low", "high"]);
  const cluster = admitClusterReference(spec, world, workspace);
  const nodeCount = admitCount("nodeCount", spec.nodeCount, 1, 10_000);
  const wallClock = spec.constraints?.maxWallClockTime || defaultWallClock;
  const onLeaseLoss = admitWord("onLeaseLoss", spec.onLeaseLoss, ["freeze", "kill", "continue"]);
  const logLimitBytes = admitMemory("logLimit", spec.logLimit);
  admitIdleLimit("", spec);
  const request: JobRequest = {
    cluster: cluster.uuid,
    nodeCount,
    priority: priorities[priority],
    share: admitShare(spec.resources),
    wallClockMs: admitDuration("constraints.maxWallClockTime", wallClock),
    ...(logLimitBytes === undefined ? {} : { logLimitBytes }),
    ...(spec.sweep ? { sweep: admitSweep(spec.sweep) } : {}),
    ...(secrets.length > 0 ? { secrets } : {}),
    retriesMax: spec.retry ? admitCount("retry.maxCount", spec.retry.maxCount, 0, 1000) : 0,
  };
  admitDirectories(spec);
  admitEnvironment("", spec);
  if (spec.containerSettings) admitContainer(spec.containerSettings);
  if (spec.jobPreparation) admitText("jobPreparation.commandLine", spec.jobPreparation.commandLine);
  admitClean("stdOutErrPathPrefix", spec.stdOutErrPathPrefix, pathMax);
  admitClean("checkpoint.path", spec.checkpoint?.path ?? "", pathMax);
  const mountVolumes = admitVolumes("mountVolumes", spec.mountVolumes, world, workspace);
  const toolkit = admitToolkit(spec);
  possible(request, cluster, world);
  withinQuota(request, cluster, world, workspace);
  return {
    spec: {
      ...spec,
      toolkit,
      schedulingPriority: priority,
      onLeaseLoss,
      cluster: { $typeName: "stoker.v1.ResourceId", id: idOfCluster(world, cluster) },
      constraints: { $typeName: "stoker.v1.JobConstraints", maxWallClockTime: wallClock },
      ...(mountVolumes ? { mountVolumes } : {}),
    },
    request,
  };
}

function admitSweep({ name, index, maxRunning, parameters }: Sweep): SweepRequest {
  admitName("sweep.name", name);
  admitCount("sweep.index", index, 1, 1_000_000);
  const runningMax = admitCount("sweep.maxRunning", maxRunning, 0, 100_000);
  for (const [parameter, value] of Object.entries(parameters)) {
    admitVariableName(`sweep.parameters.${parameter}`, parameter);
    admitClean(`sweep.parameters.${parameter}`, value);
  }
  return runningMax === 0 ? { name } : { name, runningMax };
}

const priorities: Record<"low" | "normal" | "high", Priority> = { low: 0, normal: 1, high: 2 };

function admitClusterReference(spec: JobSpec, world: World, workspace: Workspace): Cluster {
  const id = admitText("cluster.id", spec.cluster?.id ?? "");
  try {
    const cluster = resolveCluster(world, workspace, id);
    refuseDeleting(world, cluster.workspace);
    refuseGoing(cluster);
    return cluster;
  } catch (cause) {
    if (cause instanceof Fault) throw new Fault(cause.code, `cluster.id: ${cause.message}`, { cause });
    throw cause;
  }
}

function admitShare(resources: Resources | undefined): ShareRequest {
  if (!resources) return { kind: "whole" };
  const memoryBytes = admitMemory("resources.memory", resources.memory);
  return {
    kind: "part",
    gpus: admitCount("resources.gpus", resources.gpus, 0, 1024),
    // A job without any core could not run; asking for none is asking for as little as there is.
    cpus: Math.max(1, admitCount("resources.cpus", resources.cpus, 0, 65_536)),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
}

function admitDirectories(spec: JobSpec): void {
  spec.inputDirectories.forEach((directory, at) => {
    admitDirectoryId(`inputDirectories[${at}].id`, directory.id);
    admitPathText(`inputDirectories[${at}].path`, directory.path);
  });
  spec.outputDirectories.forEach((directory, at) => {
    const path = `outputDirectories[${at}]`;
    admitDirectoryId(`${path}.id`, directory.id);
    admitPathText(`${path}.pathPrefix`, directory.pathPrefix);
    admitClean(`${path}.pathSuffix`, directory.pathSuffix, pathMax);
    if (directory.pathSuffix.split("/").includes("..")) refuse(`${path}.pathSuffix`, `leads out by ".."`);
  });
  admitUnique("inputDirectories", spec.inputDirectories, ({ id }) => id);
  admitUnique("outputDirectories", spec.outputDirectories, ({ id }) => id);
}

/** Linux takes 2 MiB of environment and words together. */
const environmentMax = 512 * 1024;

/** `at`: the path of what holds them, with its dot. */
export function admitEnvironment(at: string, spec: Pick<JobSpec, "environmentVariables" | "secrets">): void {
  spec.environmentVariables.forEach(({ name, value }, index) => {
    admitVariableName(`${at}environmentVariables[${index}].name`, name);
    admitClean(`${at}environmentVariables[${index}].value`, value);
  });
  spec.secrets.forEach((secret, index) => {
    admitSecret(`${at}secrets[${index}]`, secret);
  });
  const all = [...spec.environmentVariables, ...spec.secrets];
  const length = all.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  if (length > environmentMax) {
    refuse(
      `${at}environmentVariables`,
      `hold ${length} characters with the secrets; a process takes ${environmentMax}`,
    );
  }
  admitUnique(`${at}environmentVariables`, spec.environmentVariables, ({ name }) => name);
  admitUnique(`${at}secrets`, spec.secrets, ({ name }) => name);
}

function admitSecret(path: string, secret: EnvironmentVariableWithSecretValue): void {
  admitVariableName(`${path}.name`, secret.name);
  admitClean(`${path}.value`, secret.value);
}
