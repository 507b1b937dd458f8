import { isCoordinator } from "./credentials.js";

/**
 * For connections to the coordinator's own NATS, which has the coordinator's certificate. Its client hands them on to node:tls as they are, though
 * its type names only some of what that takes.
 */
export const natsTls = (authority: string) => ({
  ca: authority,
  minVersion: "TLSv1.3",
  checkServerIdentity: isCoordinator,
});
