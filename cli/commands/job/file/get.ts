import { usage } from "../../../failure.js";
import { experimentOption, jobOption, outputDirectoryOption, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const get: Verb = {
  name: "get",
  description: "Copy a file of a job here, or with -r a whole directory",
  details: "What was copied in part before is gone on with. A file has its name only when it is whole.",
  example: "stoker job file get -w lab -e first -j train -d MODEL -r . --to model",
  argument: "[path]",
  options: [
    jobOption,
    workspaceOption,
    experimentOption,
    outputDirectoryOption,
    { flags: "-r, --recursive", description: "a directory with everything in it" },
    { flags: "--to <path>", description: "file or folder here (default: the last word of the path)" },
  ],
  async run(call) {
    const path = call.words[0];
    if (path === undefined)
      throw usage("which file? name its path inside the directory; with -r a directory, such as .");
    const id = await call.ofJob();
    const outputDirectoryId = call.text("outputDirectoryId") ?? "stdouterr";
    const session = await call.session();
    const [{ Download }, { basename }, { nodeFailure }] = await Promise.all([
      import("../../../files/download.js"),
      import("node:path"),
      import("../../../remote/node-failure.js"),
    ]);
    const last = basename(path);
    const to = call.text("to") ?? (/^\.{0,2}$/.test(last) ? outputDirectoryId : last);
    const download = new Download(session, { id, outputDirectoryId });
    try {
      if (call.flag("recursive")) await download.directory(path, to);
      else await download.file(path, to);
    } catch (error) {
      throw nodeFailure(error);
    }
    const { files, bytes } = download.done;
    await call.notice(`${files} ${files === 1 ? "file" : "files"}, ${bytes} bytes, in ${to}`);
    return undefined;
  },
};
