import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { list } from "./list.js";
import { show } from "./show.js";

export const workspace: Noun = {
  name: "workspace",
  description: "Separate teams and projects",
  verbs: [create, show, list, remove],
};
