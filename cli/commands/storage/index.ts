import type { Noun } from "../../verb.js";
import { list } from "./list.js";
import { map } from "./map.js";
import { unmap } from "./unmap.js";

export const storage: Noun = {
  name: "storage",
  description: "What stands in for Azure shares and containers on this site",
  verbs: [map, list, unmap],
};
