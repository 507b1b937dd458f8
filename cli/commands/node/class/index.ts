import type { Noun } from "../../../verb.js";
import { list } from "./list.js";
import { map } from "./map.js";
import { unmap } from "./unmap.js";

export const machineClass: Noun = {
  name: "class",
  description: "Machine classes, and the names that files have for them",
  verbs: [list, map, unmap],
};
