import { resolve } from "node:path";
import type { Command } from "commander";
import { version } from "../shared/version.js";
import { backup } from "./backup/backup.js";
import { restore } from "./backup/restore.js";
import { copyCatalog, reviveCopy } from "./catalog/copy.js";

/** What an operator does beside the daemon. `dataDirOf` reads the settings that were given, as the daemon does. */
export function addBackupCommands(command: Command, dataDirOf: (flags: Record<string, unknown>) => string): void {
  // Secrets and the logs of others are among it.
  const keepPrivate = () => process.umask(0o077);
  const progress = process.stderr.isTTY ? process.stderr : undefined;
  command
    .command("backup")
    .description("copy catalog, logs and secrets to a new folder, while the coordinator runs or not")
    .argument("<folder>", "made by this; it must not exist")
    .action(async (folder: string, _options: unknown, self: Command) => {
      keepPrivate();
      const dataDir = resolve(dataDirOf(self.optsWithGlobals()));
      const made = await backup({
        dataDir,
        to: folder,
        version,
        now: Date.now(),
        copyCatalog,
        ...(progress ? { progress } : {}),
      });
      process.stdout.write(`${made.path}: ${made.files} files, ${Math.ceil(made.sizeBytes / 2 ** 20)} MiB\n`);
    });
  command
    .command("restore")
    .description("make a backup the data folder of a coordinator; the one that it was made of must be stopped for good")
    .argument("<backup>", "folder that `backup` made")
    .action((folder: string, _options: unknown, self: Command) => {
      keepPrivate();
      const dataDir = resolve(dataDirOf(self.optsWithGlobals()));
      const { at } = restore({
        backup: resolve(folder),
        dataDir,
        now: Date.now(),
        revive: reviveCopy,
        ...(progress ? { progress } : {}),
      });
      process.stdout.write(
        `${dataDir} is as of ${new Date(at).toISOString()}. Make sure that the earlier coordinator is stopped for good, then start this one.\n` +
          "Jobs of the backup wait until every node has come back, or is declared lost: `stoker job explain` names those that are awaited.\n",
      );
    });
}
