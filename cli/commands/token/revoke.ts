import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { ofUser, ofUserOption } from "./of-user.js";

export const revoke: Verb = {
  name: "revoke",
  description: "Let a token or certificate count no more, from now on: calls with it end",
  example: "stoker token revoke nightly",
  argument: "[name]",
  options: [nameOption("token"), ofUserOption],
  async run(call) {
    const name = call.name("token");
    const session = await call.session();
    await session.users.revokeToken({ user: ofUser(call), name }, session.limits);
    return undefined;
  },
};
