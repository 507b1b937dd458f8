import { experimentOption, pagingOptions, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";

export const list: Verb = {
  name: "list",
  description: "List the jobs of an experiment",
  example: "stoker job list -w lab -e first",
  options: [workspaceOption, experimentOption, ...pagingOptions],
  async run(call) {
    const parent = await call.experiment();
    const session = await call.session();
    const jobs = await pages(call, async (page) => {
      const answer = await session.jobs.listJobs({ parent, ...page }, session.limits);
      return { items: answer.jobs, next: answer.nextPageToken };
    });
    await session.list("job", jobs);
    return undefined;
  },
};
