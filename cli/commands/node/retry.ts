import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const retry: Verb = {
  name: "retry",
  description: "Prepare an unusable machine again for its cluster: mounts, admin account and setup task",
  example: "stoker node retry -n m1",
  argument: "[name]",
  options: [nameOption("node")],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const { node } = await session.nodes.retryNode({ id }, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
