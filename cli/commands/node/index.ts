import type { Noun } from "../../verb.js";
import { add } from "./add.js";
import { machineClass } from "./class/index.js";
import { declareLost } from "./declare-lost.js";
import { remove } from "./delete.js";
import { drain } from "./drain.js";
import { exec } from "./exec.js";
import { gpuReturn } from "./gpu-return.js";
import { history } from "./history.js";
import { list } from "./list.js";
import { reclaim } from "./reclaim.js";
import { removal } from "./remove.js";
import { resume } from "./resume.js";
import { retry } from "./retry.js";
import { show } from "./show.js";
import { test } from "./test.js";
import { token } from "./token/index.js";

export const node: Noun = {
  name: "node",
  description: "The machines",
  verbs: [add, list, show, history, exec, drain, reclaim, resume, retry, test, gpuReturn, declareLost, removal, remove],
  nouns: [token, machineClass],
};
