import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { disable, enable } from "./disable.js";
import { list } from "./list.js";
import { password } from "./password.js";
import { show } from "./show.js";

export const user: Noun = {
  name: "user",
  description: "Who may sign in",
  verbs: [create, list, show, password, disable, enable, remove],
};
