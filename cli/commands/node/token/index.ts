import type { Noun } from "../../../verb.js";
import { create } from "./create.js";
import { list } from "./list.js";
import { revoke } from "./revoke.js";

export const token: Noun = {
  name: "token",
  description: "Tokens with which machines join",
  verbs: [create, list, revoke],
};
