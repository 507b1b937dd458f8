import { admitProcessCount, admitScript, expandMpiScript } from "./mpi-script.js";
import type { Toolkit } from "./toolkit.js";

/** Horovod: a script under mpirun. */
export const horovod: Toolkit<"horovodSettings"> = {
  toolType: "horovod",
  admit(settings, spec, path) {
    admitScript(settings, path);
    return { ...settings, processCount: admitProcessCount(settings.processCount, spec.nodeCount, path) };
  },
  expand: expandMpiScript,
};
