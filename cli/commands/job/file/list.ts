import {
  experimentOption,
  expiryOption,
  jobOption,
  outputDirectoryOption,
  pagingOptions,
  pathOption,
  workspaceOption,
} from "../../../options.js";
import type { Verb } from "../../../verb.js";
import { pages } from "../../lists.js";

export const list: Verb = {
  name: "list",
  description: "List one level of a directory of a job; -o json has links to the files",
  example: "stoker job file list -w lab -e first -j train -d MODEL",
  options: [
    jobOption,
    workspaceOption,
    experimentOption,
    outputDirectoryOption,
    pathOption,
    expiryOption,
    ...pagingOptions,
  ],
  async run(call) {
    const id = await call.ofJob();
    const outputDirectoryId = call.text("outputDirectoryId") ?? "stdouterr";
    const directory = call.text("path") ?? "";
    const linkExpiryInMinutes = call.whole("expiry") ?? 0;
    const session = await call.session();
    const { nodeFailure } = await import("../../../remote/node-failure.js");
    const files = await pages(call, async (page) => {
      const request = { id, outputDirectoryId, directory, linkExpiryInMinutes, ...page };
      const answer = await session.jobs.listJobFiles(request, session.limits).catch((error: unknown) => {
        throw nodeFailure(error);
      });
      return { items: answer.files, next: answer.nextPageToken };
    });
    await session.list("file", files);
    return undefined;
  },
};
