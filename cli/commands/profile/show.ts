import { toJson } from "../../output/json.js";
import { details } from "../../output/table.js";
import { chosenProfile, readProfiles } from "../../profiles.js";
import { effective } from "../../settings.js";
import type { Verb } from "../../verb.js";
import { outputOption, shown } from "./shown.js";

export const show: Verb = {
  name: "show",
  description: "Show a profile; without a name, the settings that hold now, environment included",
  example: "stoker profile show lab",
  argument: "[name]",
  local: true,
  options: [outputOption],
  async run(call) {
    const { configFolder, environment } = call.world;
    const [asked] = call.words;
    const profile = chosenProfile(await readProfiles(configFolder), asked ?? environment.STOKER_PROFILE, configFolder);
    const settings = shown(asked === undefined ? effective({}, environment, profile) : profile);
    await call.world.out(call.text("output") === "json" ? toJson(settings) : details(Object.entries(settings)));
    return undefined;
  },
};
