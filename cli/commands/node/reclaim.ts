import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const reclaim: Verb = {
  name: "reclaim",
  description:
    "Take a machine back for its owner: its jobs are queued again, and no cluster has it until it is resumed",
  example: 'stoker node reclaim -n m1 --reason "deadline on Friday"',
  argument: "[name]",
  options: [nameOption("node"), { flags: "--reason <text>", description: "shown to those whose jobs were there" }],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const { node } = await session.nodes.reclaimNode({ id, reason: call.text("reason") ?? "" }, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
