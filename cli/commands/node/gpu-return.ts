import { usage } from "../../failure.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const gpuReturn: Verb = {
  name: "gpu-return",
  description: "Give a GPU work again that was out of service: after a test that it passes, or by force",
  example: "stoker node gpu-return m1 --gpu 3",
  argument: "[name]",
  options: [
    nameOption("node"),
    { flags: "--gpu <number or uuid>", description: "which one" },
    {
      flags: "--force",
      description: "untested, and whatever its agent says of it until that has ended",
    },
  ],
  async run(call) {
    const id = call.nodeId();
    const gpu = call.text("gpu");
    if (gpu === undefined) throw usage(`which GPU of ${id} is to return? add --gpu with its number or UUID`);
    const session = await call.session();
    const { node } = await session.nodes.returnGpu({ id, gpu, force: call.flag("force") }, session.limits);
    await session.show("node", node);
    return undefined;
  },
};
