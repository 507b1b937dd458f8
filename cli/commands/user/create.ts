import { nameOption } from "../../options.js";
import { newPassword, passwordOptions } from "../../sign-in/password.js";
import type { Verb } from "../../verb.js";

export const create: Verb = {
  name: "create",
  description: "Make a user",
  details:
    "A new user may do nothing yet: `stoker role grant` says what. Without a password the user signs in at the identity provider, or has tokens alone",
  example: "stoker user create ada --display-name 'Ada Lovelace'",
  argument: "[name]",
  options: [
    nameOption("user"),
    { flags: "--display-name <name>", description: "what people call the user" },
    { flags: "--subject <subject>", description: "who the identity provider says the user is (its claim sub)" },
    ...passwordOptions,
    { flags: "--without-password", description: "ask for none" },
  ],
  async run(call) {
    const name = call.name("user");
    const subject = call.text("subject") ?? "";
    const wanted =
      call.flag("passwordStdin") || (!call.flag("withoutPassword") && subject === "" && call.world.isInteractive);
    const password = wanted ? await newPassword(call, `Password of ${name}: `) : "";
    const session = await call.session();
    const displayName = call.text("displayName") ?? "";
    const { user } = await session.users.createUser({ name, displayName, password, subject }, session.limits);
    await session.summary("user", user);
    return undefined;
  },
};
