import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { list } from "./list.js";
import { show } from "./show.js";

export const cluster: Noun = {
  name: "cluster",
  description: "Sets of nodes that run jobs",
  verbs: [create, show, list, remove],
};
