import { Fault } from "../../../shared/fault.js";
import { refuse, shown } from "../admission/fields.js";
import type { World } from "../memory.js";
import { type ApiToken, bootstrapName, type User } from "./user.js";

/** `users/ada`, or `ada` alone. */
export function findUser(world: World, id: string): User {
  const name = id.replace(/^users\//, "");
  const uuid = world.access.userByName.get(name);
  const user = uuid && world.access.users.get(uuid);
  if (!user) throw new Fault("not-found", `the specified user ${shown(name)} is not found`);
  return user;
}

export function findToken(world: World, user: User, name: string): ApiToken {
  const uuid = world.access.tokenByName.get(`${user.uuid} ${name}`);
  const token = uuid && world.access.apiTokens.get(uuid);
  if (!token) {
    throw new Fault(
      "not-found",
      `the specified token or certificate ${shown(name)} of ${user.name} is not found; \`stoker token list\` shows them`,
    );
  }
  return token;
}

export const idOfUser = (user: User) => `users/${user.name}`;

/** What identity providers call people, too: `ada@lab.example`. */
export function admitUserName(path: string, name: string): string {
  if (!/^[A-Za-z0-9_][-\w.@+]{0,63}$/.test(name)) {
    refuse(path, `"${shown(name)}" is not a user's name: 1 to 64 letters, digits and "-_.@+", none of these first`);
  }
  if (name.toLowerCase() === bootstrapName) refuse(path, `"${name}" is who comes with the coordinator's own token`);
  return name;
}

export function admitTokenName(path: string, name: string): string {
  if (!/^[-\w.@:+]{1,64}$/.test(name)) {
    refuse(path, `"${shown(name)}" is not a token's name: 1 to 64 letters, digits and "-_.@:+"`);
  }
  return name;
}
