import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { list } from "./list.js";
import { revoke } from "./revoke.js";

export const token: Noun = {
  name: "token",
  description: "API tokens: whoever has one acts as its user",
  verbs: [create, list, revoke],
};
