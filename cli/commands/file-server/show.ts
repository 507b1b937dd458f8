import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const show: Verb = {
  name: "show",
  description: "Show one file server",
  example: "stoker file-server show -w lab -n filer",
  argument: "[name]",
  options: [nameOption("file server"), workspaceOption],
  async run(call) {
    const id = await call.childId("fileServers", "file server");
    const session = await call.session();
    const { fileServer } = await session.fileServers.getFileServer({ id }, session.limits);
    await session.show("fileServer", fileServer);
    return undefined;
  },
};
