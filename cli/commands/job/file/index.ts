import type { Noun } from "../../../verb.js";
import { get } from "./get.js";
import { list } from "./list.js";
import { stream } from "./stream.js";

export const file: Noun = {
  name: "file",
  description: "The files of a job, wherever they lie",
  verbs: [list, stream, get],
};
