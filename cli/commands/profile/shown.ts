import type { Profile } from "../../settings.js";
import type { OptionSpec } from "../../verb.js";

export const outputOption: OptionSpec = {
  flags: "-o, --output <format>",
  description: "table or json",
  choices: ["table", "json"],
};

/** A profile as it may be printed: that it holds secrets, not which. */
export function shown({ token, storageKey, ...rest }: Profile): Profile {
  return { ...rest, ...(token ? { token: "(kept)" } : {}), ...(storageKey ? { storageKey: "(kept)" } : {}) };
}
