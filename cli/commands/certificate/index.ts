import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { list } from "./list.js";
import { renew } from "./renew.js";
import { request } from "./request.js";
import { revoke } from "./revoke.js";
import { sign } from "./sign.js";

export const certificate: Noun = {
  name: "certificate",
  description: "Certificates that users show in place of tokens: whoever has the key acts as its user",
  verbs: [create, request, sign, renew, list, revoke],
};
