import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memoryFolders } from "./memory-folders.js";

const prefix = "stoker-secret-";

/** Files that only root can read and that never come to a disk, by their names. Undefined where the machine has no folder in memory. */
export function secretFiles(texts: Readonly<Record<string, string>>): { folder: string; remove(): void } | undefined {
  const [parent] = memoryFolders();
  if (parent === undefined) return undefined;
  const folder = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const [name, text] of Object.entries(texts))
      writeFileSync(join(folder, name), text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, remove };
}

/** What processes that ended too soon for it have left. */
export function removeForgottenSecretFiles(): void {
  for (const parent of memoryFolders()) {
    for (const name of readdirSync(parent)) {
      const pid = name.startsWith(prefix) ? name.slice(prefix.length).split("-")[0] : undefined;
      if (pid !== undefined && !existsSync(`/proc/${pid}`))
        rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}
