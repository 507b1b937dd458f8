import { exitCode } from "../../failure.js";
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
    if (!(await call.confirm(`Delete ${id}?`))) return exitCode.failed;
    const session = await call.session();
    await session.fileServers.deleteFileServer({ id }, session.limits);
    if (call.waits) await untilGone(() => session.fileServers.getFileServer({ id }, session.limits));
    return undefined;
  },
};
