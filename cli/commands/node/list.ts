import { childPath } from "../../ids.js";
import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the machines, of one cluster or all",
  example: "stoker node list -w lab -c gpus",
  options: [
    // No settings for this one: a default cluster must not hide the other machines.
    { flags: "-c, --cluster <name or id>", description: "only those of this cluster" },
    workspaceOption,
    ...pagingOptions,
  ],
  async run(call) {
    const cluster = call.text("cluster");
    const clusterId =
      cluster === undefined || cluster.includes("/")
        ? (cluster ?? "")
        : childPath(await call.workspace(), "clusters", cluster);
    const session = await call.session();
    const nodes = await pages(call, async (page) => {
      const answer = await session.nodes.listNodes({ clusterId, ...page }, session.limits);
      return { items: answer.nodes, next: answer.nextPageToken };
    });
    await session.list("node", nodes);
    return undefined;
  },
};
