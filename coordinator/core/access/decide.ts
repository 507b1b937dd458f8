import { unreachable } from "../../../shared/assert.js";
import type { Draft } from "../draft.js";
import { renewCertificate } from "./certificates.js";
import type { AccessRequest } from "./events.js";
import { grantRole, revokeRole } from "./roles.js";
import { createToken, revokeToken } from "./tokens.js";
import { createUser, deleteUser, setPassword, signInSubject, updateUser } from "./users.js";

/** Gives the UUID of the user or token that it was about. */
export function decideAccess(draft: Draft, event: AccessRequest): string {
  switch (event.kind) {
    case "user-create":
      return createUser(draft, event);
    case "user-update":
      return updateUser(draft, event);
    case "user-password":
      return setPassword(draft, event);
    case "user-delete":
      return deleteUser(draft, event.id);
    case "subject-sign-in":
      return signInSubject(draft, event);
    case "token-create":
      return createToken(draft, event);
    case "certificate-renew":
      return renewCertificate(draft, event);
    case "token-revoke":
      return revokeToken(draft, event.user, event.name);
    case "role-grant":
      return grantRole(draft, event);
    case "role-revoke":
      return revokeRole(draft, event);
    default:
      return unreachable(event);
  }
}
