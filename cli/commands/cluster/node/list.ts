import { clusterOption, pagingOptions, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";
import { pages } from "../../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the nodes of a cluster and how they are reached",
  example: "stoker cluster node list -w lab -c gpus",
  options: [clusterOption, workspaceOption, ...pagingOptions],
  async run(call) {
    const clusterId = await call.ofCluster();
    const session = await call.session();
    const { printLogins } = await import("../../../remote/login.js");
    const nodes = await pages(call, async (page) => {
      const answer = await session.nodes.listNodes({ clusterId, ...page }, session.limits);
      return { items: answer.nodes, next: answer.nextPageToken };
    });
    await printLogins(
      call.world,
      session,
      nodes.map(({ name, address }) => ({ nodeId: name, ipAddress: address })),
    );
    return undefined;
  },
};
