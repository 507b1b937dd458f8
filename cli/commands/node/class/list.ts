import { pagingOptions } from "../../../options.js";
import type { Verb } from "../../../verb.js";
import { pages } from "../../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the classes of the enrolled machines, and their aliases",
  example: "stoker node class list",
  options: [...pagingOptions],
  async run(call) {
    const session = await call.session();
    const classes = await pages(call, async (page) => {
      const answer = await session.machineClasses.listMachineClasses({ ...page }, session.limits);
      return { items: answer.machineClasses, next: answer.nextPageToken };
    });
    await session.list("machineClass", classes);
    return undefined;
  },
};
