import { newKey } from "../../coordinator/secrets/key.js";
import { Vault } from "../../coordinator/secrets/vault.js";

/** With a key of its own, for a catalog that no other process opens. */
export const testVault = () => new Vault(newKey());
