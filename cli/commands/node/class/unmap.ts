import { usage } from "../../../failure.js";
import type { Verb } from "../../../verb.js";

export const unmap: Verb = {
  name: "unmap",
  description: "Forget what a name stands for",
  example: "stoker node class unmap STANDARD_NC6",
  argument: "<name>",
  options: [],
  async run(call) {
    const [alias] = call.words;
    if (alias === undefined) throw usage("which name? `stoker node class list` shows them");
    const session = await call.session();
    await session.machineClasses.deleteMachineClassAlias({ alias }, session.limits);
    return undefined;
  },
};
