import { readFileSync } from "node:fs";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import { secretName } from "../../ids.js";
import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const set: Verb = {
  name: "set",
  description: "Give a secret its value, from a file, from stdin or as it is typed",
  details:
    "Files refer to it by secretUrl: its name, stoker://WORKSPACE/NAME, or any https://VAULT.vault.azure.net/secrets/NAME. One line break at the end is not taken for a part of the value",
  example: "stoker secret set -w lab registry-password --from-file password.txt",
  argument: "[name]",
  options: [
    nameOption("secret"),
    workspaceOption,
    { flags: "--from-file <file>", description: "file that holds the value (default: stdin, or a question)" },
    { flags: "--exact", description: "take the value as it is, a line break at the end too" },
  ],
  async run(call) {
    const name = secretName(call.name("secret"));
    const parent = await call.workspace();
    const given = await givenValue(call, name);
    const value = call.flag("exact") ? given : given.replace(/\r?\n$/, "");
    if (value === "") throw usage("the value is empty");
    const session = await call.session();
    const { secret } = await session.secrets.setSecret({ parent, name, value }, session.limits);
    await session.summary("secret", secret);
    return undefined;
  },
};

/** Never from the command line, which every user of the machine can read. */
async function givenValue(call: Call, name: string): Promise<string> {
  const file = call.text("fromFile");
  if (file !== undefined && file !== "-") return readText(file);
  if (file === undefined && call.world.isInteractive) return call.world.askHidden(`Value of ${name}: `);
  return call.world.readStdin();
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) throw usage(`${file}: is not UTF-8 text; encode it, such as by base64`);
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw usage(`${file}: there is no such file`);
    throw error;
  }
}
