import { workspacePath } from "../ids.js";
import type { Verb } from "../verb.js";

export const listUsages: Verb = {
  name: "list-usages",
  description: "Show what is used of all machines, or of a workspace's quota",
  example: "stoker list-usages",
  options: [
    // No setting for this one: a default workspace must not hide the site.
    { flags: "-w, --workspace <name>", description: "only what this workspace uses, and its limits" },
    { flags: "-l, --location <place>", description: "passed over: there is one", hidden: true },
  ],
  async run(call) {
    const workspace = call.text("workspace");
    const parent = workspace === undefined ? "" : workspacePath(workspace);
    const session = await call.session();
    const { usages } = await session.workspaces.listUsages({ parent }, session.limits);
    await session.list("usage", usages);
    return undefined;
  },
};

/** What earlier command lines called it. */
export const showUsage: Verb = { ...listUsages, name: "show", example: "stoker usage show" };
