import type { Call } from "../../call.js";
import { usage } from "../../failure.js";

export function twoWords(call: Call): [user: string, role: string] {
  const [user, role] = call.words;
  if (!user || !role) throw usage("expected a user and a role, such as: ada contributor");
  return [user, role];
}
