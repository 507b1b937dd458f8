import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const resume: Verb = {
  name: "resume",
  description: "Give a drained or reclaimed machine work again",
  example: "stoker node resume -n m1",
  argument: "[name]",
  options: [nameOption("node")],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const { node } = await session.nodes.resumeNode({ id }, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
