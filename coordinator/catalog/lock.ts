import { join } from "node:path";
import Database from "better-sqlite3";
import { Fault } from "../../shared/fault.js";

/**
 * One coordinator for each data folder. SQLite's lock on a file of its own: the kernel drops it with the process, however that ends, and
 * the catalog itself stays readable for backups.
 */
export function lockFolder(dataDir: string): Disposable {
  const db = new Database(join(dataDir, "lock"), { timeout: 0 });
  try {
    db.pragma("journal_mode = MEMORY");
    db.pragma("locking_mode = EXCLUSIVE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    if (cause instanceof Database.SqliteError && cause.code.startsWith("SQLITE_BUSY")) {
      throw new Fault(
        "failed-precondition",
        `another coordinator runs on ${dataDir}: stop it, or give this one its own --data-dir`,
        {
          cause,
        },
      );
    }
    throw cause;
  }
  return { [Symbol.dispose]: () => void db.close() };
}
