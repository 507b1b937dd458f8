import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show a user, with the roles",
  example: "stoker user show ada",
  argument: "[name]",
  options: [nameOption("user")],
  async run(call) {
    const session = await call.session();
    const { user } = await session.users.getUser({ id: call.name("user") }, session.limits);
    await session.show("user", user);
    return undefined;
  },
};
