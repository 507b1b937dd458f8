import type { TlsOptions } from "@nats-io/transport-node";
import { isCoordinator } from "./credentials.js";

/** For connections to the coordinator's own NATS, which has the coordinator's certificate. */
export const natsTls = (authority: string): TlsOptions => {
  // They are handed on to node:tls as they are; the type names only some of what that takes.
  const options = { ca: authority, minVersion: "TLSv1.3", checkServerIdentity: isCoordinator };
  return options;
};
