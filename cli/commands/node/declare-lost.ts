import { usage } from "../../failure.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

const checked = "i-have-checked-that-it-is-off";

export const declareLost: Verb = {
  name: "declare-lost",
  description:
    "Let the jobs of a silent machine go on elsewhere, when too few others can vouch that it has stopped them",
  example: `stoker node declare-lost m1 --${checked}`,
  argument: "[name]",
  options: [
    nameOption("node"),
    { flags: `--${checked}`, description: "its processes may run twice if that is not so" },
  ],
  async run(call) {
    const id = call.nodeId();
    if (!call.flag("iHaveCheckedThatItIsOff")) {
      throw usage(
        `a job of ${id} would run twice if the machine still runs: see that it is off, then add --${checked}`,
      );
    }
    const session = await call.session();
    const { node } = await session.nodes.declareNodeLost({ id }, session.limits);
    await session.summary("node", node);
    return undefined;
  },
};
