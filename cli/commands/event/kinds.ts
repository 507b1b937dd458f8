import type { Verb } from "../../verb.js";

export const kinds: Verb = {
  name: "kinds",
  description: "List the kinds of events",
  example: "stoker event kinds",
  options: [],
  async run(call) {
    const session = await call.session();
    const answer = await session.events.listEventKinds({}, session.limits);
    await session.list("eventKind", answer.kinds);
    return undefined;
  },
};
