import { exitCode } from "../../failure.js";
import { leafOf } from "../../ids.js";
import { nameOption, noWaitOption, workspaceOption, yesOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { untilGone } from "../gone.js";

export const remove: Verb = {
  name: "delete",
  description: "Delete a file server; its files stay where they are",
  example: "stoker file-server delete -w lab -n filer -y",
  argument: "[name]",
  options: [nameOption("file server"), workspaceOption, yesOption, noWaitOption],
  async run(call) {
    const id = await call.childId("fileServers", "file server");
    if (!(await call.confirm(`Delete ${id}? Its files stay where they are.`))) return exitCode.failed;
    const session = await call.session();
    const { fileServer } = await session.fileServers.getFileServer({ id }, session.limits);
    await session.fileServers.deleteFileServer({ id }, session.limits);
    if (call.waits) await untilGone(() => session.fileServers.getFileServer({ id }, session.limits));
    const where = [leafOf(fileServer?.nodeId ?? ""), fileServer?.directory ?? ""]
      .filter((part) => part !== "")
      .join(":");
    if (where !== "") await call.notice(`its files are still there, in ${where}`);
    return undefined;
  },
};
