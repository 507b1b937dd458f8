import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { revoke as revokeToken } from "../token/revoke.js";

export const revoke: Verb = {
  ...revokeToken,
  description: "Let a certificate count no more, from now on: calls with it end",
  example: "stoker certificate revoke nightly",
  options: [nameOption("certificate"), ...revokeToken.options.slice(1)],
};
