import { Fault } from "../../shared/fault.js";
import type { CallContext } from "../../shared/grpc.js";
import { findUser } from "../core/access/names.js";
import type { User } from "../core/access/user.js";
import type { State } from "../core/memory.js";

/** Who calls, as one of the users. The coordinator's own token belongs to none. */
export function callingUser(state: State, { caller }: CallContext): User {
  const user = caller.kind === "user" && caller.user !== undefined ? state.access.users.get(caller.user) : undefined;
  if (user) return user;
  throw new Fault(
    "failed-precondition",
    "the coordinator's own token is no user's: `stoker user create` makes a user, and `stoker login` lets you be one",
  );
}

/** Whom the request names; else who calls. */
export const namedUser = (state: State, id: string, context: CallContext): User =>
  id === "" ? callingUser(state, context) : findUser(state, id);
