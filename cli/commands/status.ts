import { present } from "../session.js";
import type { Verb } from "../verb.js";

export const status: Verb = {
  name: "status",
  description: "How the lab is, on one screen: the coordinator, nodes, clusters, jobs, what waits and what is wrong",
  example: "stoker status",
  options: [],
  async run(call) {
    const session = await call.session();
    const answer = present((await session.status.getStatus({}, session.limits)).status, "status");
    const { statusJson, statusScreen } = await import("../output/status.js");
    await call.world.out(session.isJson ? statusJson(answer) : statusScreen(answer));
    return undefined;
  },
};
