import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const watch: Verb = {
  name: "watch",
  description: "Print a line at each change of a job's state, until it has ended (-o json: an object a line)",
  example: "stoker job watch -w lab -e first -n train",
  argument: "[name]",
  options: [nameOption("job"), workspaceOption, experimentOption],
  async run(call) {
    const id = await call.jobId();
    const session = await call.session();
    const [{ Line }, { watchJob }, { progressText }] = await Promise.all([
      import("../../follow/line.js"),
      import("../../follow/watch.js"),
      import("../../follow/progress.js"),
    ]);
    let last = "";
    const { signal } = new AbortController();
    for await (const job of watchJob(session, new Line(call, session.address), id, signal)) {
      const text = session.isJson ? JSON.stringify(session.describe("job", job)) : progressText(job);
      // After an outage the state is told again, changed or not.
      if (text !== last) await call.world.out(`${text}\n`);
      last = text;
    }
    return undefined;
  },
};
