import type { CntkSettings } from "../../../shared/gen/stoker/v1/toolkit_pb.js";
import { admitClean, admitText, admitWord, refuse } from "../admission/fields.js";
import { mpiExpansion } from "./mpi.js";
import { admitProcessCount, admitScript, expandMpiScript } from "./mpi-script.js";
import type { Toolkit } from "./toolkit.js";

/** Under mpirun either way: BrainScript by the `cntk` program, Python by its interpreter. */
export const cntk: Toolkit<"cntkSettings"> = {
  toolType: "cntk",
  admit(settings, spec, path) {
    const languageType = languageOf(settings, path);
    if (languageType === "Python") admitScript(settings, path);
    else {
      admitText(`${path}.configFilePath`, settings.configFilePath);
      admitClean(`${path}.commandLineArgs`, settings.commandLineArgs);
    }
    return { ...settings, languageType, processCount: admitProcessCount(settings.processCount, spec.nodeCount, path) };
  },
  expand(settings, gang) {
    if (settings.languageType === "Python") return expandMpiScript(settings, gang);
    const command = ["cntk", `configFile=${settings.configFilePath}`, settings.commandLineArgs];
    return mpiExpansion(command.filter((part) => part !== "").join(" "), settings.processCount, gang);
  },
};

/** As Batch AI filled it in: by the path that is given. */
function languageOf(settings: CntkSettings, path: string): "BrainScript" | "Python" {
  const { languageType, configFilePath, pythonScriptFilePath } = settings;
  if (configFilePath !== "" && pythonScriptFilePath !== "") {
    refuse(path, "has both configFilePath (BrainScript) and pythonScriptFilePath (Python); give one");
  }
  const given = pythonScriptFilePath === "" ? "BrainScript" : "Python";
  const word = admitWord(`${path}.languageType`, languageType || given, ["BrainScript", "Python"]);
  if (word !== given && `${configFilePath}${pythonScriptFilePath}` !== "") {
    refuse(`${path}.languageType`, `is ${word}, but the path that is given is of ${given}`);
  }
  return word;
}
