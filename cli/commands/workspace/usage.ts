import { workspacePath } from "../../ids.js";
import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const usage: Verb = {
  name: "usage",
  description: "Show what a workspace uses of its quota",
  example: "stoker workspace usage -n lab",
  argument: "[name]",
  options: [nameOption("workspace"), workspaceOption],
  async run(call) {
    const given = call.text("name") ?? call.words[0];
    const parent = given === undefined ? await call.workspace() : workspacePath(given);
    const session = await call.session();
    const { usages } = await session.workspaces.listUsages({ parent }, session.limits);
    await session.list("usage", usages);
    return undefined;
  },
};
