import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const reclaim: Verb = {
  name: "reclaim",
  description:
    "Take a machine back for its owner: its jobs are queued again, and no cluster has it until it is resumed",
  example: 'stoker node reclaim -n m1 --grace 60 --reason "deadline on Friday"',
  argument: "[name]",
  options: [
    nameOption("node"),
    { flags: "--reason <text>", description: "shown to those whose jobs were there" },
    {
      flags: "--grace <seconds>",
      description: "between SIGTERM and SIGKILL for its jobs (default: the coordinator's)",
    },
  ],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const graceSeconds = call.whole("grace");
    const request = { id, reason: call.text("reason") ?? "", ...(graceSeconds === undefined ? {} : { graceSeconds }) };
    const { node } = await session.nodes.reclaimNode(request, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
