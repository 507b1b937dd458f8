import { usage } from "../../../failure.js";
import type { Verb } from "../../../verb.js";

export const map: Verb = {
  name: "map",
  description: "Let a name that files have, such as STANDARD_NC6, mean a machine class",
  example: "stoker node class map STANDARD_NC6 1x-tesla-k80",
  argument: "<name> <class>",
  options: [],
  async run(call) {
    const [alias, machineClass] = call.words;
    if (alias === undefined || machineClass === undefined) {
      throw usage("give NAME and CLASS; `stoker node class list` shows the classes");
    }
    const session = await call.session();
    const answer = await session.machineClasses.setMachineClassAlias({ alias, machineClass }, session.limits);
    if (answer.machineClass?.nodeCount === 0) {
      await call.notice(
        `no enrolled machine is of class ${machineClass} now; stoker node class list shows those that are`,
      );
    }
    await session.summary("machineClass", answer.machineClass);
    return undefined;
  },
};
