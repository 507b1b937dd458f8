import { exitCode } from "../../failure.js";
import { workspacePath } from "../../ids.js";
import { nameOption, noWaitOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a workspace with its clusters, file servers and experiments",
  example: "stoker workspace delete -n lab -y",
  argument: "[name]",
  options: [nameOption("workspace"), yesOption, noWaitOption],
  async run(call) {
    const id = workspacePath(call.name("workspace"));
    if (!(await call.confirm(`Delete ${id} and all that it holds?`))) return exitCode.failed;
    const session = await call.session();
    await session.workspaces.deleteWorkspace({ id }, session.limits);
    if (call.waits) await untilGone(() => session.workspaces.getWorkspace({ id }, session.limits));
    return undefined;
  },
};
