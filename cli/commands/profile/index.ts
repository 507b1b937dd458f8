import type { Noun } from "../../verb.js";
import { list } from "./list.js";
import { set } from "./set.js";
import { show } from "./show.js";
import { use } from "./use.js";

export const profile: Noun = {
  name: "profile",
  description: "Where the coordinator is, and what is meant when nothing is said (~/.config/stoker)",
  verbs: [set, use, list, show],
};
