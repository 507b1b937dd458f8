import type { Noun } from "../../verb.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { list } from "./list.js";
import { show } from "./show.js";

export const fileServer: Noun = {
  name: "file-server",
  description: "NFS exports that nodes mount",
  verbs: [create, show, list, remove],
};
