import { pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List who may do what, in a workspace or the whole lab",
  example: "stoker role list -w vision",
  options: [
    workspaceOption,
    { flags: "--lab", description: "of the whole lab, whatever the profile's workspace is; for administrators" },
    ...pagingOptions,
  ],
  async run(call) {
    const named = (await call.settings()).workspace !== undefined && !call.flag("lab");
    const workspace = named ? await call.workspace() : "";
    const session = await call.session();
    const roles = await pages(call, async (page) => {
      const answer = await session.roles.listRoles({ workspace, ...page }, session.limits);
      return { items: answer.roles, next: answer.nextPageToken };
    });
    await session.list("roleAssignment", roles);
    return undefined;
  },
};
