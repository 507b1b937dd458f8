import { scripts, shells } from "../../completion/scripts.js";
import { usage } from "../../failure.js";
import type { Verb } from "../../verb.js";

export const completion: Verb = {
  name: "completion",
  description: "Print what makes a shell complete stoker's commands, options and names",
  details: "The Debian package has installed it. For this shell alone: `source <(stoker completion bash)`",
  example: "stoker completion bash >~/.local/share/bash-completion/completions/stoker",
  argument: "<shell>",
  options: [],
  local: true,
  async run(call) {
    const shell = shells.find((each) => each === call.words[0]);
    if (shell === undefined) throw usage(`there is no completion for "${call.words[0]}", but for ${shells.join(", ")}`);
    await call.world.out(scripts[shell]);
    return undefined;
  },
};
