import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one cluster",
  example: "stoker cluster show -w lab -n gpus",
  argument: "[name]",
  options: [nameOption("cluster"), workspaceOption],
  async run(call) {
    const id = await call.childId("clusters", "cluster");
    const session = await call.session();
    const { cluster } = await session.clusters.getCluster({ id }, session.limits);
    await session.show("cluster", cluster);
    return undefined;
  },
};
