import { usage } from "../../failure.js";
import { childPath } from "../../ids.js";
import { workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const map: Verb = {
  name: "map",
  description: "Mount a directory of a file server wherever a file names an Azure share or container",
  example: "stoker storage map -w lab 'research/*' filer/azure/{name}",
  argument: "<account/share> <file-server[/path]>",
  options: [workspaceOption],
  async run(call) {
    const [source, target] = call.words;
    if (source === undefined || target === undefined) {
      throw usage("give ACCOUNT/SHARE (or ACCOUNT/CONTAINER, * for any) and FILE-SERVER[/PATH]");
    }
    const { fileServerId, path } = await targetOf(target, () => call.workspace());
    const session = await call.session();
    const { mapping } = await session.storage.setStorageMapping({ source, fileServerId, path }, session.limits);
    await session.summary("storageMapping", mapping);
    return undefined;
  },
};

/** A name of the workspace, or a whole id; what follows is the path. */
async function targetOf(target: string, workspace: () => Promise<string>) {
  const whole = /^(workspaces\/[^/]+\/fileServers\/[^/]+)(?:\/(.*))?$/.exec(target);
  if (whole) return { fileServerId: whole[1] ?? "", path: whole[2] ?? "" };
  const [name = "", ...path] = target.split("/");
  return { fileServerId: childPath(await workspace(), "fileServers", name), path: path.join("/") };
}
