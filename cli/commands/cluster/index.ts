import type { Noun } from "../../verb.js";
import { clusterListNodes } from "../older.js";
import { autoScale } from "./auto-scale.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { file } from "./file/index.js";
import { list } from "./list.js";
import { node } from "./node/index.js";
import { resize } from "./resize.js";
import { show } from "./show.js";

export const cluster: Noun = {
  name: "cluster",
  description: "Sets of nodes that run jobs",
  verbs: [create, show, list, resize, autoScale, remove, clusterListNodes],
  nouns: [file, node],
};
