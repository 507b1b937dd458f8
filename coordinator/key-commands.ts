import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { Fault } from "../shared/fault.js";
import { Catalog } from "./catalog/catalog.js";
import { lockFolder } from "./catalog/lock.js";
import { addKey, dropOldKeys, type KeyPlace } from "./secrets/key-file.js";

/** What an operator does about the key that secrets are sealed with. */
export function addKeyCommands(
  command: Command,
  placesOf: (flags: Record<string, unknown>) => { dataDir: string; key: KeyPlace },
): void {
  command
    .command("rotate-key")
    .description("seal all secrets in the catalog with a new key; the coordinator must be stopped")
    .action((_options: unknown, self: Command) => {
      process.umask(0o077);
      const { dataDir, key } = placesOf(self.optsWithGlobals());
      if (!existsSync(join(dataDir, "catalog.db"))) {
        throw new Fault("invalid-argument", `${dataDir} has no catalog.db: pass --data-dir`);
      }
      using _lock = lockFolder(dataDir);
      const vault = addKey(key);
      // Sealed anew on the way. Interrupted, it goes on at the next start: both keys are in the file.
      Catalog.open(dataDir, vault)[Symbol.dispose]();
      dropOldKeys(key);
      process.stdout.write(
        `secrets are sealed with the new key ${vault.key} in ${key.path}. Backups made before need the old one: keep it with them.\n`,
      );
    });
}
