import { usage } from "../../../failure.js";
import { experimentOption, jobOption, outputDirectoryOption, pathOption, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const stream: Verb = {
  name: "stream",
  description: "Print a file of a job as it grows, until the job has ended; waits for it to appear",
  example: "stoker job file stream -w lab -e first -j train -f stdout.txt",
  options: [
    jobOption,
    workspaceOption,
    experimentOption,
    { flags: "-f, --file-name <name>", description: "file" },
    outputDirectoryOption,
    pathOption,
  ],
  async run(call) {
    const name = call.text("fileName");
    if (name === undefined) throw usage("which file? give its name with -f");
    const id = await call.ofJob();
    const folder = call.text("path") ?? "";
    const outputDirectoryId = call.text("outputDirectoryId") ?? "stdouterr";
    const session = await call.session();
    const { nodeFailure } = await import("../../../remote/node-failure.js");
    const request = { id, outputDirectoryId, path: folder === "" ? name : `${folder}/${name}`, follow: true };
    try {
      for await (const { message } of session.jobs.readJobFile(request)) {
        if (message.case === "data") await call.world.out(message.value);
      }
    } catch (error) {
      throw nodeFailure(error);
    }
    return undefined;
  },
};
