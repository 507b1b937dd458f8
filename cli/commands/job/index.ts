import type { Noun } from "../../verb.js";
import { jobListFiles, jobStreamFile } from "../older.js";
import { create } from "./create.js";
import { remove } from "./delete.js";
import { explain } from "./explain.js";
import { file } from "./file/index.js";
import { list } from "./list.js";
import { logs } from "./logs.js";
import { node } from "./node/index.js";
import { show } from "./show.js";
import { sweep } from "./sweep.js";
import { terminate } from "./terminate.js";
import { usage } from "./usage.js";
import { wait } from "./wait.js";
import { watch } from "./watch.js";

export const job: Noun = {
  name: "job",
  description: "Commands that run on nodes of a cluster",
  verbs: [create, sweep, show, list, remove, terminate, wait, watch, logs, explain, usage, jobListFiles, jobStreamFile],
  nouns: [file, node],
};
