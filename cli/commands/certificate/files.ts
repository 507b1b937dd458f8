import { join } from "node:path";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import type { OptionSpec } from "../../verb.js";

export const folderOption: OptionSpec = { flags: "--folder <folder>", description: "where files go (default: here)" };

/** Such as `nightly.key` in the folder that was asked for. */
export function filesOf(call: Call): { name: string; path(extension: string): string } {
  const name = call.name("certificate");
  if (!/^[-\w.@:+]{1,64}$/.test(name)) {
    throw usage(`"${name}" is no name for a certificate: 1 to 64 letters, digits and "-_.@:+"`);
  }
  const folder = call.text("folder") ?? ".";
  return { name, path: (extension) => join(folder, `${name}.${extension}`) };
}
