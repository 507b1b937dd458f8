import type { Noun } from "../../../verb.js";
import { set } from "./set.js";
import { show } from "./show.js";

export const quota: Noun = {
  name: "quota",
  description: "What a workspace may use at most",
  verbs: [set, show],
};
