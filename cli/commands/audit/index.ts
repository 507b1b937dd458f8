import type { Noun } from "../../verb.js";
import { exportAll } from "./export.js";
import { list } from "./list.js";

export const audit: Noun = {
  name: "audit",
  description: "Who has changed what, when and from where; for administrators",
  verbs: [list, exportAll],
};
