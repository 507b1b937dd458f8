import { nodePath } from "../../../ids.js";
import { clusterOption, execOptions, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const exec: Verb = {
  name: "exec",
  description: "Run a command or a shell on a node of a cluster, or forward ports to what it reaches",
  details: "Ends with the command's exit code. Nothing listens on the node: it goes through the coordinator.",
  example: "stoker cluster node exec -w lab -c gpus -L 8888:localhost:6006",
  options: [
    clusterOption,
    workspaceOption,
    { flags: "-n, --node-id <name>", description: "node (default: the cluster's first)" },
    ...execOptions,
  ],
  async run(call) {
    const clusterId = await call.ofCluster();
    const node = call.text("nodeId");
    const session = await call.session();
    const { execOn } = await import("../../../remote/exec.js");
    return execOn(call, session, { nodeId: node === undefined ? "" : nodePath(node), clusterId, jobId: "" });
  },
};
