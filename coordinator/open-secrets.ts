import type { Logger } from "pino";
import { Fault } from "../shared/fault.js";
import { withOpened } from "./core/secrets/reference.js";
import type { Vault } from "./secrets/vault.js";

/** An order to an agent with the values of the secrets that it refers to: the last step before it is sent. A secret that is gone is empty. */
export function openSecrets<T>(order: T, vault: Vault, log: Logger): T {
  return withOpened(order, (key, sealed) => {
    if (sealed === undefined) {
      log.warn({ secret: key }, "an order to an agent refers to a secret that was deleted");
      return "";
    }
    try {
      return vault.openText(key, sealed);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.error({ err: error, secret: key }, "a secret can't be opened; the agent gets none");
      return "";
    }
  });
}
