import { exitCode } from "../../failure.js";
import { nameOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a user",
  details: "Tokens and roles go at once; jobs stay, and run on",
  example: "stoker user delete ada -y",
  argument: "[name]",
  options: [nameOption("user"), yesOption],
  async run(call) {
    const id = call.name("user");
    if (!(await call.confirm(`Delete user ${id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.users.deleteUser({ id }, session.limits);
    return undefined;
  },
};
