import type { Verb } from "../../../verb.js";

export const revoke: Verb = {
  name: "revoke",
  description: "Let no more machines join with a token; those that have stay",
  example: "stoker node token revoke 3f0c9a17b2d4",
  argument: "<id>",
  options: [],
  async run(call) {
    const session = await call.session();
    await session.joining.revokeJoinToken({ id: call.words[0] ?? "" }, session.limits);
    return undefined;
  },
};
