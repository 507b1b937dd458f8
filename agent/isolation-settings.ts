import { pairs, type Setting, text } from "../shared/config.js";
import { Fault } from "../shared/fault.js";
import type { AccountsSetting } from "./core/policy/accounts.js";

const mapping = pairs({ placeholder: "", description: "" });

const accounts: Setting<AccountsSetting> = {
  description:
    "as whom jobs run: auto (each user's as the account of the same name and the coordinator's own as stoker-job, where the package has made that; else as the agent), agent (as the agent itself), or a mapping such as alice=alice,*=same,coordinator-token=stoker-job",
  placeholder: "auto|agent|user=account,…",
  default: { kind: "auto" },
  defaultText: "auto",
  parse: (value) => {
    const word = value.trim();
    if (word === "auto" || word === "agent") return { kind: word };
    const given = mapping.parse(word);
    const empty = Object.entries(given).find(([, account]) => account === "");
    if (empty) throw new Fault("invalid-argument", `"${empty[0]}" has no account`);
    return { kind: "mapped", accounts: given };
  },
};

const limits: Setting<"auto" | "on" | "off"> = {
  description:
    "keep each job to its memory, cores and GPUs by control groups: auto (where jobs run as accounts of their own), on or off",
  placeholder: "auto|on|off",
  default: "auto",
  parse: (value) => {
    const word = value.trim().toLowerCase();
    if (word === "auto" || word === "on" || word === "off") return word;
    throw new Fault("invalid-argument", `"${value}" is none of auto, on and off`);
  },
};

/** Of the agent's settings those about who may do what on this machine. */
export const isolationSettings = {
  accounts,
  limits,
  policyFile: text({
    description: "what this machine's owner lets Stoker do here; it counts before all that the coordinator says",
    placeholder: "file",
    default: "/etc/stoker/policy.yaml",
  }),
};
