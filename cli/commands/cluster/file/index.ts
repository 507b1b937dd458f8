import type { Noun } from "../../../verb.js";
import { list } from "./list.js";

export const file: Noun = {
  name: "file",
  description: "What a cluster's setup task has written",
  verbs: [list],
};
