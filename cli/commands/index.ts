import type { Noun, Verb } from "../verb.js";
import { audit } from "./audit/index.js";
import { certificate } from "./certificate/index.js";
import { cluster } from "./cluster/index.js";
import { complete } from "./completion/complete.js";
import { completion } from "./completion/completion.js";
import { doctor } from "./doctor.js";
import { event } from "./event/index.js";
import { experiment } from "./experiment/index.js";
import { fileServer } from "./file-server/index.js";
import { job } from "./job/index.js";
import { listUsages, showUsage } from "./list-usages.js";
import { login } from "./login.js";
import { logout } from "./logout.js";
import { node } from "./node/index.js";
import { profile } from "./profile/index.js";
import { role } from "./role/index.js";
import { run } from "./run/run.js";
import { secret } from "./secret/index.js";
import { status } from "./status.js";
import { storage } from "./storage/index.js";
import { token } from "./token/index.js";
import { top } from "./top.js";
import { user } from "./user/index.js";
import { whoami } from "./whoami.js";
import { workspace } from "./workspace/index.js";

const usage: Noun = { name: "usage", description: "What is used, and the limits", verbs: [showUsage] };

/** In the order of the help. */
export const nouns: readonly Noun[] = [
  workspace,
  cluster,
  fileServer,
  storage,
  secret,
  experiment,
  job,
  node,
  event,
  user,
  role,
  token,
  certificate,
  audit,
  usage,
  profile,
];

/** Verbs that need no noun. */
export const topVerbs: readonly Verb[] = [
  run,
  status,
  top,
  doctor,
  login,
  logout,
  whoami,
  listUsages,
  completion,
  complete(() => ({ nouns, topVerbs })),
];
