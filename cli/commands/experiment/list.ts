import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the experiments of a workspace",
  example: "stoker experiment list -w lab",
  options: [workspaceOption, ...pagingOptions],
  async run(call) {
    const parent = await call.workspace();
    const session = await call.session();
    const experiments = await pages(call, async (page) => {
      const answer = await session.experiments.listExperiments({ parent, ...page }, session.limits);
      return { items: answer.experiments, next: answer.nextPageToken };
    });
    await session.list("experiment", experiments);
    return undefined;
  },
};
