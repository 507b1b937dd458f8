import type { Call } from "../../call.js";
import { usage } from "../../failure.js";

/** What `--tag key=value` gave. */
export const tagsOf = (call: Call): Record<string, string> => Object.fromEntries(call.texts("tag").map(pair));

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw usage(`--tag: expected key=value, found "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
