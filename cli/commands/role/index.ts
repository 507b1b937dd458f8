import type { Noun } from "../../verb.js";
import { grant } from "./grant.js";
import { list } from "./list.js";
import { revoke } from "./revoke.js";

export const role: Noun = {
  name: "role",
  description: "What users may do: reader, contributor or owner of a workspace, or administrator of the lab",
  verbs: [grant, list, revoke],
};
