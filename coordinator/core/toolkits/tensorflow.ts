import type { TensorFlowSettings } from "../../../shared/gen/stoker/v1/toolkit_pb.js";
import { admitClean, admitCount, admitText, refuse } from "../admission/fields.js";
import { roles, type Task } from "./tensorflow-roles.js";
import { type Expansion, type Gang, type PlannedRank, scriptCommand, type Toolkit, variable } from "./toolkit.js";

const tasksMax = 1_000;
/** Pairs of a task on one node and another that it is told of: with some 30 bytes for each the node's grant stays below 8 MiB. */
const toldMax = 250_000;

/**
 * Workers on all nodes, parameter servers on the first; worker 0 is the master. Without counts and on one node: one process.
 * The counts stay as they were given: Batch AI's answer did not fill them in either.
 */
export const tensorflow: Toolkit<"tensorFlowSettings"> = {
  toolType: "tensorflow",
  admit(settings, { nodeCount }, path) {
    admitText(`${path}.pythonScriptFilePath`, settings.pythonScriptFilePath);
    admitClean(`${path}.pythonInterpreterPath`, settings.pythonInterpreterPath);
    admitClean(`${path}.masterCommandLineArgs`, settings.masterCommandLineArgs);
    admitClean(`${path}.workerCommandLineArgs`, settings.workerCommandLineArgs);
    admitClean(`${path}.parameterServerCommandLineArgs`, settings.parameterServerCommandLineArgs);
    // How many GPUs a node has shows only when it is chosen.
    admitCount(`${path}.workerCount`, settings.workerCount, 0, tasksMax);
    admitCount(`${path}.parameterServerCount`, settings.parameterServerCount, 0, nodeCount);
    const workers = settings.workerCount || nodeCount;
    const tasks = workers + Math.max(1, settings.parameterServerCount);
    // Every task is told of every other.
    if (tasks > tasksMax || Math.ceil(tasks / nodeCount) * tasks > toldMax) {
      refuse(`${path}.workerCount`, `${tasks} tasks on ${nodeCount} nodes are more than TF_CONFIG can tell of`);
    }
    return settings;
  },
  expand(settings, gang) {
    const { workerCount, parameterServerCount } = settings;
    // One worker alone is what a job without counts is.
    const distributed = gang.nodes.length > 1 || workerCount > 1 || parameterServerCount > 0;
    const workers = workerCount || gang.nodes.length;
    const tasks = roles(gang, distributed ? workers : 1, distributed ? parameterServerCount || 1 : 0);
    return distributed ? together(settings, gang, tasks) : alone(settings, gang, tasks);
  },
};

function alone(settings: TensorFlowSettings, gang: Gang, tasks: readonly Task[]): Expansion {
  return {
    ranks: tasks.map((task) => rankOf(settings, task, [])),
    environment: [],
    slotsByNode: gang.nodes.map(() => gang.slots),
    endsWith: "all",
  };
}

function together(settings: TensorFlowSettings, gang: Gang, tasks: readonly Task[]): Expansion {
  const addresses = (role: Task["role"]) => tasks.filter((task) => task.role === role).map(({ address }) => address);
  const cluster = { ps: addresses("ps"), worker: addresses("worker") };
  // Once, not for every task: it grows with them.
  const told = JSON.stringify(cluster);
  return {
    ranks: tasks.map((task) => {
      const place = JSON.stringify({ type: task.role, index: task.index });
      const config = `{"cluster":${told},"task":${place},"environment":"cloud"}`;
      return rankOf(settings, task, [variable("TF_CONFIG", config), ...devices(gang, tasks, task)]);
    }),
    environment: [
      variable("AZ_BATCHAI_PS_HOSTS", cluster.ps.join(",")),
      variable("AZ_BATCHAI_WORKER_HOSTS", cluster.worker.join(",")),
    ],
    slotsByNode: gang.nodes.map(() => gang.slots),
    endsWith: "all",
  };
}

function rankOf(settings: TensorFlowSettings, task: Task, environment: PlannedRank["environment"]): PlannedRank {
  const { role, index, nodeIndex, rank } = task;
  const args =
    role === "ps"
      ? settings.parameterServerCommandLineArgs
      : index === 0
        ? settings.masterCommandLineArgs
        : settings.workerCommandLineArgs;
  const short = role === "ps" ? "ps" : "wk";
  return {
    rank,
    nodeIndex,
    commandLine: scriptCommand(settings.pythonInterpreterPath, settings.pythonScriptFilePath, args),
    environment: [variable("AZ_BATCHAI_TASK_INDEX", index), ...environment],
    stdoutName: `stdout-${short}-${index}.txt`,
    stderrName: `stderr-${short}-${index}.txt`,
    ...(role === "ps" ? { serves: true as const } : {}),
  };
}

/** TensorFlow takes all memory of every GPU that it sees: who shares a node sees only what is meant for it. */
function devices(gang: Gang, tasks: readonly Task[], task: Task): PlannedRank["environment"] {
  const here = tasks.filter(({ nodeIndex }) => nodeIndex === task.nodeIndex);
  const gpus = gang.nodes[task.nodeIndex]?.gpuUuids ?? [];
  if (here.length < 2 || gpus.length === 0) return [];
  if (task.role === "ps") return [variable("CUDA_VISIBLE_DEVICES", "")];
  const workers = here.filter(({ role }) => role === "worker");
  if (workers.length < 2 || gpus.length < workers.length) return [];
  const at = workers.indexOf(task);
  const mine = gpus.filter((_, gpu) => gpu % workers.length === at);
  return [variable("CUDA_VISIBLE_DEVICES", mine.join(","))];
}
