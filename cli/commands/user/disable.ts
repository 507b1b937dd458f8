import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

const changed = (verb: Pick<Verb, "name" | "description" | "details" | "example">, disabled: boolean): Verb => ({
  ...verb,
  argument: "[name]",
  options: [nameOption("user")],
  async run(call) {
    const session = await call.session();
    const { user } = await session.users.updateUser({ id: call.name("user"), disabled }, session.limits);
    await session.summary("user", user);
    return undefined;
  },
});

export const disable = changed(
  {
    name: "disable",
    description: "Let a user in no more, until enabled again",
    details: "Tokens count no more from now on, and come back with `stoker user enable`. Jobs run on",
    example: "stoker user disable ada",
  },
  true,
);

export const enable = changed(
  { name: "enable", description: "Let a disabled user in again", example: "stoker user enable ada" },
  false,
);
