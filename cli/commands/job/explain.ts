import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const explain: Verb = {
  name: "explain",
  description: "Say why a job waits, or what it is doing",
  example: "stoker job explain -w lab -e first -n train",
  argument: "[name]",
  options: [nameOption("job"), workspaceOption, experimentOption],
  async run(call) {
    const id = await call.jobId();
    const session = await call.session();
    const [response, { explanation, explanationObject }] = await Promise.all([
      session.jobs.explainJob({ id }, session.limits),
      import("../../output/explain.js"),
    ]);
    if (session.isJson) await session.json(explanationObject(response));
    else await call.world.out(explanation(response));
    return undefined;
  },
};
