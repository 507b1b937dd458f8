import { chosenProfile, readProfiles, writeProfiles } from "../../profiles.js";
import type { Verb } from "../../verb.js";

export const use: Verb = {
  name: "use",
  description: "Use this profile from now on",
  example: "stoker profile use lab",
  argument: "<name>",
  local: true,
  options: [],
  async run(call) {
    const { configFolder } = call.world;
    const all = await readProfiles(configFolder);
    const current = call.words[0] ?? "";
    chosenProfile(all, current, configFolder);
    await writeProfiles(configFolder, { ...all, current });
    return undefined;
  },
};
