import type { Call } from "../call.js";
import { usage } from "../failure.js";
import type { OptionSpec } from "../verb.js";

/** Never from the command line, which every user of the machine can read. */
export const passwordOptions: readonly OptionSpec[] = [
  { flags: "--password-stdin", description: "read the password from stdin instead of asking for it" },
];

export async function givenPassword(call: Call, question: string): Promise<string> {
  if (call.flag("passwordStdin")) return firstLine(await call.world.readStdin());
  if (!call.world.isInteractive) throw usage("there is no terminal to ask for the password on: give --password-stdin");
  return call.world.askHidden(question);
}

/** Asked for twice, for nobody sees what is typed. */
export async function newPassword(call: Call, question: string): Promise<string> {
  const password = await givenPassword(call, question);
  if (password === "") throw usage("the password is empty");
  if (!call.flag("passwordStdin") && (await call.world.askHidden("The same again: ")) !== password) {
    throw usage("the two are not the same");
  }
  return password;
}

const firstLine = (text: string) => text.replace(/\r?\n[\s\S]*$/, "");
