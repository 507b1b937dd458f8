import { admitScript } from "./mpi-script.js";
import { scriptCommand, type Toolkit, variable } from "./toolkit.js";

/** One process a node, its index being its shard; they meet by a file in the shared job temp, as the scripts name it. */
export const caffe2: Toolkit<"caffe2Settings"> = {
  toolType: "caffe2",
  admit(settings, _spec, path) {
    admitScript(settings, path);
    return settings;
  },
  expand({ pythonInterpreterPath, pythonScriptFilePath, commandLineArgs }, gang) {
    return {
      ranks: gang.nodes.map((_, index) => ({
        rank: index,
        nodeIndex: index,
        commandLine: scriptCommand(pythonInterpreterPath, pythonScriptFilePath, commandLineArgs),
        environment: [variable("AZ_BATCHAI_TASK_INDEX", index)],
        stdoutName: `stdout-${index}.txt`,
        stderrName: `stderr-${index}.txt`,
      })),
      environment: [],
      slotsByNode: gang.nodes.map(() => gang.slots),
      endsWith: "all",
    };
  },
};
