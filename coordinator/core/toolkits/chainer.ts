import { admitProcessCount, admitScript, expandMpiScript } from "./mpi-script.js";
import type { Toolkit } from "./toolkit.js";

/** ChainerMN: a script under mpirun. */
export const chainer: Toolkit<"chainerSettings"> = {
  toolType: "chainer",
  admit(settings, spec, path) {
    admitScript(settings, path);
    return { ...settings, processCount: admitProcessCount(settings.processCount, spec.nodeCount, path) };
  },
  expand: expandMpiScript,
};
