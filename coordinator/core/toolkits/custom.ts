import { admitText } from "../admission/fields.js";
import { single } from "./single.js";
import type { Toolkit } from "./toolkit.js";

/** One command, once, on the first node; the user starts the rest. */
export const custom: Toolkit<"customToolkitSettings"> = {
  toolType: "custom",
  admit(settings, _spec, path) {
    admitText(`${path}.commandLine`, settings.commandLine);
    return settings;
  },
  expand: (settings, gang) => single(settings.commandLine, gang),
};
