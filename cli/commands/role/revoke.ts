import { usage } from "../../failure.js";
import { workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const revoke: Verb = {
  name: "revoke",
  description: "Take away what a user may do in a workspace, or administrator of the lab",
  example: "stoker role revoke ada -w vision",
  argument: "<user> [role]",
  options: [workspaceOption],
  async run(call) {
    const [user, role] = call.words;
    if (!user) throw usage("which user?");
    const workspace = role?.toLowerCase() === "administrator" ? "" : await call.workspace();
    const session = await call.session();
    await session.roles.revokeRole({ user, workspace }, session.limits);
    return undefined;
  },
};
