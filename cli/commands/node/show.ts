import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one node",
  example: "stoker node show -n m1",
  argument: "[name]",
  options: [nameOption("node")],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const { node } = await session.nodes.getNode({ id }, session.limits);
    await session.show("node", node);
    return undefined;
  },
};
