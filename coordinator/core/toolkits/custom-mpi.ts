import { admitCount, admitText } from "../admission/fields.js";
import { mpiExpansion } from "./mpi.js";
import type { Toolkit } from "./toolkit.js";

/** The command, written without mpirun, as processCount ranks in total. */
export const customMpi: Toolkit<"customMpiSettings"> = {
  toolType: "mpi",
  admit(settings, spec, path) {
    admitText(`${path}.commandLine`, settings.commandLine);
    const processCount = settings.processCount === 0 ? spec.nodeCount : settings.processCount;
    return { ...settings, processCount: admitCount(`${path}.processCount`, processCount, 1, 100_000) };
  },
  expand: (settings, gang) => mpiExpansion(settings.commandLine, settings.processCount, gang),
};
