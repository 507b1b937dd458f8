import { usage } from "../../failure.js";
import { givenPassword, newPassword, passwordOptions } from "../../sign-in/password.js";
import type { Verb } from "../../verb.js";

export const password: Verb = {
  name: "password",
  description: "Change your password, or as an administrator another user's",
  details: "With --password-stdin and no name, stdin's first line is the old one and the second the new one",
  example: "stoker user password",
  argument: "[name]",
  options: [
    ...passwordOptions,
    { flags: "--remove", description: "take another user's away: no more signing in by it" },
  ],
  async run(call) {
    const [id] = call.words;
    if (id !== undefined) {
      const fresh = call.flag("remove") ? "" : await newPassword(call, `New password of ${id}: `);
      const session = await call.session();
      await session.users.setPassword({ id, password: fresh }, session.limits);
      return undefined;
    }
    if (call.flag("remove")) throw usage("whose password? name the user");
    const [oldPassword, fresh] = call.flag("passwordStdin")
      ? twoLines(await call.world.readStdin())
      : [await givenPassword(call, "Old password: "), await newPassword(call, "New password: ")];
    const session = await call.session();
    await session.users.changePassword({ oldPassword, newPassword: fresh }, session.limits);
    return undefined;
  },
};

function twoLines(text: string): [string, string] {
  const [first, second] = text.split(/\r?\n/);
  if (!first || !second)
    throw usage("stdin: expected the old password in the first line and the new one in the second");
  return [first, second];
}
