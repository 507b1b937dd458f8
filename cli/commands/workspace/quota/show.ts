import { workspacePath } from "../../../ids.js";
import { nameOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show the limits of a workspace, and what it uses",
  example: "stoker workspace quota show -n lab",
  argument: "[name]",
  options: [nameOption("workspace")],
  async run(call) {
    const parent = workspacePath(call.name("workspace"));
    const session = await call.session();
    const { usages } = await session.workspaces.listUsages({ parent }, session.limits);
    await session.list("usage", usages);
    return undefined;
  },
};
