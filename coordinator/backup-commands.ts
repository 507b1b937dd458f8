import { join, resolve } from "node:path";
import type { Command } from "commander";
import { version } from "../shared/version.js";
import { backup } from "./backup/backup.js";
import { restore } from "./backup/restore.js";
import { copyCatalog, reviveCopy, sealingKeyOf } from "./catalog/copy.js";
import { holdsKey, type KeyPlace } from "./secrets/key-file.js";

/** What an operator does beside the daemon. `placesOf` reads the settings that were given, as the daemon does. */
export function addBackupCommands(
  command: Command,
  placesOf: (flags: Record<string, unknown>) => { dataDir: string; key: KeyPlace },
): void {
  // Secrets and the logs of others are among it.
  const keepPrivate = () => process.umask(0o077);
  const progress = process.stderr.isTTY ? process.stderr : undefined;
  command
    .command("backup")
    .description("copy catalog, logs and secrets to a new folder, while the coordinator runs or not")
    .argument("<folder>", "made by this; it must not exist")
    .action(async (folder: string, _options: unknown, self: Command) => {
      keepPrivate();
      const { dataDir, key } = placesOf(self.optsWithGlobals());
      const made = await backup({
        dataDir,
        to: folder,
        version,
        now: Date.now(),
        copyCatalog,
        ...(progress ? { progress } : {}),
      });
      process.stdout.write(`${made.path}: ${made.files} files, ${Math.ceil(made.sizeBytes / 2 ** 20)} MiB\n`);
      const sealing = sealingKeyOf(join(made.path, "catalog.db"));
      if (sealing !== undefined) {
        process.stdout.write(
          `The secrets in it are sealed with key ${sealing} of ${key.path}, which is not in the backup: keep a copy of that file in another place; without it the backup can't be restored.\n`,
        );
      }
    });
  command
    .command("restore")
    .description("make a backup the data folder of a coordinator; the one that it was made of must be stopped for good")
    .argument("<backup>", "folder that `backup` made")
    .action((folder: string, _options: unknown, self: Command) => {
      keepPrivate();
      const { dataDir, key } = placesOf(self.optsWithGlobals());
      const { at } = restore({
        backup: resolve(folder),
        dataDir,
        now: Date.now(),
        revive: reviveCopy,
        ...(progress ? { progress } : {}),
      });
      process.stdout.write(
        `${dataDir} is as of ${new Date(at).toISOString()}. Make sure that the earlier coordinator is stopped for good, then start this one.\n` +
          keyAdvice(join(dataDir, "catalog.db"), key) +
          "Jobs of the backup wait until every node has come back, or is declared lost: `stoker job explain` names those that are awaited.\n",
      );
    });
}

/** A line when the key is still to be put in its place. */
function keyAdvice(catalog: string, key: KeyPlace): string {
  const sealing = sealingKeyOf(catalog);
  if (sealing === undefined || holdsKey(key, sealing)) return "";
  return `Its secrets are sealed with key ${sealing}: before that, put the key file that was kept beside the backup to ${key.path}.\n`;
}
