import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one experiment",
  example: "stoker experiment show -w lab -n first",
  argument: "[name]",
  options: [nameOption("experiment"), workspaceOption],
  async run(call) {
    const id = await call.childId("experiments", "experiment");
    const session = await call.session();
    const { experiment } = await session.experiments.getExperiment({ id }, session.limits);
    await session.show("experiment", experiment);
    return undefined;
  },
};
