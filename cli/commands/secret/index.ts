import type { Noun } from "../../verb.js";
import { remove } from "./delete.js";
import { list } from "./list.js";
import { set } from "./set.js";

export const secret: Noun = {
  name: "secret",
  description: "Values that jobs and clusters use by name, and that nobody reads back",
  verbs: [set, list, remove],
};
