import { exitCode } from "../../failure.js";
import { secretPath } from "../../ids.js";
import { nameOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a secret",
  details: "Jobs that refer to it and have not started wait until it is set again; those that run keep the value",
  example: "stoker secret delete -w lab registry-password -y",
  argument: "[name]",
  options: [nameOption("secret"), workspaceOption, yesOption],
  async run(call) {
    const id = await secretPath(call.name("secret"), () => call.workspace());
    if (!(await call.confirm(`Delete ${id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.secrets.deleteSecret({ id }, session.limits);
    return undefined;
  },
};
