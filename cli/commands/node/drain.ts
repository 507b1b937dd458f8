import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const drain: Verb = {
  name: "drain",
  description: "Give a machine no new work; what runs goes on",
  example: 'stoker node drain -n m1 --reason "fan is loud"',
  argument: "[name]",
  options: [nameOption("node"), { flags: "--reason <text>", description: "shown to those who wait for it" }],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const { node } = await session.nodes.drainNode({ id, reason: call.text("reason") ?? "" }, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
