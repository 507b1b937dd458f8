import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the file servers of a workspace",
  example: "stoker file-server list -w lab",
  options: [workspaceOption, ...pagingOptions],
  async run(call) {
    const parent = await call.workspace();
    const session = await call.session();
    const fileServers = await pages(call, async (page) => {
      const answer = await session.fileServers.listFileServers({ parent, ...page }, session.limits);
      return { items: answer.fileServers, next: answer.nextPageToken };
    });
    await session.list("fileServer", fileServers);
    return undefined;
  },
};
