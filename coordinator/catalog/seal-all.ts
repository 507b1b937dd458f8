import type { Database } from "better-sqlite3";
import type { Column } from "./column.js";
import { CatalogRefused } from "./refused.js";
import { isSealed, type Sealer } from "./sealer.js";
import { contextOf } from "./table.js";
import { tables } from "./tables/index.js";

/** Columns that may hold secrets. */
const sealedColumns = [
  { name: "job", field: "spec", column: tables.job.columns.spec as Column<unknown> },
  { name: "cluster", field: "spec", column: tables.cluster.columns.spec as Column<unknown> },
  { name: "file_server", field: "spec", column: tables["file-server"].columns.spec as Column<unknown> },
  { name: "subscription", field: "target", column: tables.subscription.columns.target as Column<unknown> },
];

/**
 * Brings the catalog to the sealer's key: what an earlier release wrote as it is, and what another key sealed. Nothing is left of what was plain,
 * in the file or its log. Throws CatalogRefused when a key is missing.
 */
export function sealAll(db: Database, sealer: Sealer, path: string): void {
  const before = keyOf(db);
  if (before === sealer.key) return;
  const unknown = before !== undefined && !sealer.knows(before);
  if (unknown && anySealed(db)) {
    throw new CatalogRefused(
      `${path}: its secrets are sealed with key ${before}, and the key file has another: put the key file of this catalog where ` +
        "--secret-key-file says (by default secret-key in the data folder)",
    );
  }
  sealer.keep();
  db.pragma("secure_delete = ON");
  const plain = db.transaction(() => {
    let found = 0;
    // Where nothing is sealed with a key that is gone there are no secrets at all.
    for (const column of unknown ? [] : sealedColumns) found += sealColumn(db, column, sealer);
    sealSecrets(db, sealer);
    db.exec("DELETE FROM sealing");
    db.prepare("INSERT INTO sealing (key) VALUES (?)").run(sealer.key);
    return found;
  })();
  if (plain > 0) scrub(db);
}

/** Of the key that everything is sealed with; undefined for a catalog that has nothing sealed yet, or is of an earlier release. */
export function keyOf(db: Database): string | undefined {
  const there = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'sealing'").get() !== undefined;
  return there ? db.prepare<[], { key: string }>("SELECT key FROM sealing").get()?.key : undefined;
}

export function anySealed(db: Database): boolean {
  // A catalog of an earlier release may not have all of them.
  const there = (name: string) => db.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(name) !== undefined;
  const queries = sealedColumns
    .filter(({ name }) => there(name))
    .map(({ name, field }) => `SELECT 1 FROM ${name} WHERE substr(${field}, 1, 1) = x'00'`);
  return [...queries, "SELECT 1 FROM secret"].some((query) => db.prepare(`${query} LIMIT 1`).get() !== undefined);
}

/** How many held secrets as they are. */
function sealColumn(db: Database, { name, field, column }: (typeof sealedColumns)[number], sealer: Sealer): number {
  const read = db.prepare<[string], { held: Buffer }>(`SELECT ${field} AS held FROM ${name} WHERE uuid = ?`);
  const write = db.prepare(`UPDATE ${name} SET ${field} = ? WHERE uuid = ?`);
  const context = contextOf(name, field);
  let plain = 0;
  for (const { uuid } of db.prepare<[], { uuid: string }>(`SELECT uuid FROM ${name}`).all()) {
    const held = read.get(uuid)?.held;
    if (!held) continue;
    const sealed = isSealed(held);
    const bytes = sealed ? sealer.open(context, held) : held;
    if (!sealed && !column.hasSecrets?.(column.decode(bytes))) continue;
    write.run(sealer.seal(context, bytes), uuid);
    if (!sealed) plain += 1;
  }
  return plain;
}

function sealSecrets(db: Database, sealer: Sealer): void {
  const write = db.prepare("UPDATE secret SET sealed = ? WHERE workspace = ? AND name = ?");
  const all = db
    .prepare<[], { workspace: string; name: string; sealed: string }>("SELECT workspace, name, sealed FROM secret")
    .all();
  for (const { workspace, name, sealed } of all) {
    const key = `${workspace} ${name}`;
    const value = sealer.open(key, Buffer.from(sealed, "base64"));
    write.run(sealer.seal(key, value).toString("base64"), workspace, name);
  }
}

/** What the pages held before they were written over. */
function scrub(db: Database): void {
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.exec("VACUUM");
  db.pragma("wal_checkpoint(TRUNCATE)");
}
