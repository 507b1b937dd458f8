import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the clusters of a workspace",
  example: "stoker cluster list -w lab",
  options: [workspaceOption, ...pagingOptions],
  async run(call) {
    const parent = await call.workspace();
    const session = await call.session();
    const clusters = await pages(call, async (page) => {
      const answer = await session.clusters.listClusters({ parent, ...page }, session.limits);
      return { items: answer.clusters, next: answer.nextPageToken };
    });
    await session.list("cluster", clusters);
    return undefined;
  },
};
