import type { Noun } from "../../../verb.js";
import { exec } from "./exec.js";
import { list } from "./list.js";

export const node: Noun = {
  name: "node",
  description: "The nodes of a cluster",
  verbs: [list, exec],
};
