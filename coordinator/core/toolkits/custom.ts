import { admitText } from "../admission/fields.js";
import type { Toolkit } from "./toolkit.js";

/** One command, once, on the first node; the user starts the rest. */
export const custom: Toolkit<"customToolkitSettings"> = {
  toolType: "custom",
  admit(settings, _spec, path) {
    admitText(`${path}.commandLine`, settings.commandLine);
    return settings;
  },
  expand(settings, gang) {
    return {
      ranks: [
        {
          rank: 0,
          nodeIndex: 0,
          commandLine: settings.commandLine,
          environment: [],
          stdoutName: "stdout.txt",
          stderrName: "stderr.txt",
        },
      ],
      environment: [],
      slotsByNode: gang.nodes.map(() => gang.slots),
      endsWith: "first",
    };
  },
};
