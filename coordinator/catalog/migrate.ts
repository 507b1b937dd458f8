import type { Database } from "better-sqlite3";
import { CatalogRefused } from "./refused.js";

/** Brings the schema up to date, each step in a transaction of its own. Refuses what a newer Stoker wrote. */
export function migrate(db: Database, migrations: readonly string[], path: string): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version > migrations.length) {
    throw new CatalogRefused(
      `${path} has schema ${version}, and this coordinator knows none above ${migrations.length}: it was written by a newer Stoker. ` +
        "Start that version, or restore the backup made before the upgrade",
    );
  }
  migrations.slice(version).forEach((sql, index) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${version + index + 1}`);
    })();
  });
}
