import { toJson } from "../../output/json.js";
import { table } from "../../output/table.js";
import { readProfiles } from "../../profiles.js";
import type { Verb } from "../../verb.js";
import { outputOption, shown } from "./shown.js";

export const list: Verb = {
  name: "list",
  description: "List the profiles",
  example: "stoker profile list",
  local: true,
  options: [outputOption],
  async run(call) {
    const { current, profiles } = await readProfiles(call.world.configFolder);
    const entries = Object.entries(profiles).map(([name, profile]) => ({
      name,
      inUse: name === current,
      ...shown(profile),
    }));
    const rows = entries.map(({ name, inUse, coordinator, workspace, experiment, cluster }) => [
      inUse ? "*" : "",
      name,
      ...[coordinator, workspace, experiment, cluster].map((value) => value ?? ""),
    ]);
    const headers = ["Used", "Name", "Coordinator", "Workspace", "Experiment", "Cluster"];
    await call.world.out(call.text("output") === "json" ? toJson(entries) : table(headers, rows));
    return undefined;
  },
};
