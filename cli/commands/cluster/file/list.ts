import { clusterOption, expiryOption, pagingOptions, pathOption, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";
import { pages } from "../../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the files of a cluster's setup task; -o json has links to them",
  example: "stoker cluster file list -w lab -c gpus",
  options: [clusterOption, workspaceOption, pathOption, expiryOption, ...pagingOptions],
  async run(call) {
    const id = await call.ofCluster();
    const directory = call.text("path") ?? "";
    const linkExpiryInMinutes = call.whole("expiry") ?? 0;
    const session = await call.session();
    const { nodeFailure } = await import("../../../remote/node-failure.js");
    const files = await pages(call, async (page) => {
      const request = { id, directory, linkExpiryInMinutes, ...page };
      const answer = await session.clusters.listClusterFiles(request, session.limits).catch((error: unknown) => {
        throw nodeFailure(error);
      });
      return { items: answer.files, next: answer.nextPageToken };
    });
    await session.list("file", files);
    return undefined;
  },
};
