import type { Verb } from "../../../verb.js";

export const list: Verb = {
  name: "list",
  description: "List the tokens with which machines join, and who has joined with them",
  example: "stoker node token list",
  options: [],
  async run(call) {
    const session = await call.session();
    const { joinTokens } = await session.joining.listJoinTokens({}, session.limits);
    await session.list("joinToken", joinTokens);
    return undefined;
  },
};
