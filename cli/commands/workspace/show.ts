import { workspacePath } from "../../ids.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one workspace",
  example: "stoker workspace show -n lab",
  argument: "[name]",
  options: [nameOption("workspace")],
  async run(call) {
    const id = workspacePath(call.name("workspace"));
    const session = await call.session();
    const { workspace } = await session.workspaces.getWorkspace({ id }, session.limits);
    await session.show("workspace", workspace);
    return undefined;
  },
};
