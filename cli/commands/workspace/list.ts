import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the workspaces",
  example: "stoker workspace list -o table",
  options: [...pagingOptions],
  async run(call) {
    const session = await call.session();
    const workspaces = await pages(call, async (page) => {
      const answer = await session.workspaces.listWorkspaces({ ...page }, session.limits);
      return { items: answer.workspaces, next: answer.nextPageToken };
    });
    await session.list("workspace", workspaces);
    return undefined;
  },
};
