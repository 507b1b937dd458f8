import { workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { twoWords } from "./words.js";

export const grant: Verb = {
  name: "grant",
  description:
    "Give a user a role in a workspace, in place of the one held there; or make one administrator of the lab",
  details:
    "reader: sees everything but secrets' values; contributor: submits jobs, and changes all but roles; owner: grants roles, and deletes the workspace",
  example: "stoker role grant ada contributor -w vision",
  argument: "<user> <role>",
  options: [workspaceOption],
  async run(call) {
    const [user, role] = twoWords(call);
    const workspace = role.toLowerCase() === "administrator" ? "" : await call.workspace();
    const session = await call.session();
    const granted = await session.roles.grantRole({ user, role, workspace }, session.limits);
    await session.summary("roleAssignment", granted.role);
    return undefined;
  },
};
