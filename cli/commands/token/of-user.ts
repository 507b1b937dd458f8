import type { Call } from "../../call.js";
import type { OptionSpec } from "../../verb.js";

export const ofUserOption: OptionSpec = {
  flags: "-u, --user <name>",
  description: "of another user; for administrators (default: your own)",
};

/** As the API wants it: empty for who calls. */
export const ofUser = (call: Call) => {
  const name = call.text("user");
  return name === undefined ? "" : `users/${name.replace(/^users\//, "")}`;
};
