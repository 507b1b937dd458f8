import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { list } from "./list.js";
import { quota } from "./quota/index.js";
import { show } from "./show.js";
import { update } from "./update.js";
import { usage } from "./usage.js";

export const workspace: Noun = {
  name: "workspace",
  description: "Separate teams and projects",
  verbs: [create, show, list, update, usage, remove],
  nouns: [quota],
};
