import type { CaffeSettings } from "../../../shared/gen/stoker/v1/toolkit_pb.js";
import { admitClean, admitText, refuse } from "../admission/fields.js";
import { mpiExpansion } from "./mpi.js";
import { admitProcessCount, admitScript } from "./mpi-script.js";
import { single } from "./single.js";
import { scriptCommand, type Toolkit } from "./toolkit.js";

/** A solver for the `caffe` program, or a Python script; under mpirun when there are several processes. */
export const caffe: Toolkit<"caffeSettings"> = {
  toolType: "caffe",
  admit(settings, spec, path) {
    const { configFilePath, pythonScriptFilePath } = settings;
    if (configFilePath !== "" && pythonScriptFilePath !== "") {
      refuse(path, "has both configFilePath and pythonScriptFilePath; give one");
    }
    if (pythonScriptFilePath === "") {
      admitText(`${path}.configFilePath`, configFilePath);
      admitClean(`${path}.commandLineArgs`, settings.commandLineArgs);
    } else admitScript(settings, path);
    return { ...settings, processCount: admitProcessCount(settings.processCount, spec.nodeCount, path) };
  },
  expand(settings, gang) {
    const command = commandOf(settings);
    return settings.processCount > 1 ? mpiExpansion(command, settings.processCount, gang) : single(command, gang);
  },
};

const commandOf = ({ configFilePath, pythonInterpreterPath, pythonScriptFilePath, commandLineArgs }: CaffeSettings) =>
  configFilePath === ""
    ? scriptCommand(pythonInterpreterPath, pythonScriptFilePath, commandLineArgs)
    : ["caffe train", `--solver=${configFilePath}`, commandLineArgs].filter((part) => part !== "").join(" ");
