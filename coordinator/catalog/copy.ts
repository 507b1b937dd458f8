import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Fault } from "../../shared/fault.js";
import { tellOffline } from "./audit-log.js";
import { beginLife } from "./life.js";
import { migrate } from "./migrate.js";
import { migrations } from "./migrations/index.js";
import { CatalogRefused } from "./refused.js";
import { anySealed, keyOf } from "./seal-all.js";

/** A copy of a catalog that may be in use by another process: all that was committed before, and nothing of what is not. */
export async function copyCatalog(from: string, to: string): Promise<{ schema: number }> {
  const source = new Database(from, { readonly: true, fileMustExist: true });
  try {
    // In one step: between two, a commit of the coordinator would make it begin again.
    await source.backup(to, { progress: () => 2 ** 30 });
  } finally {
    source.close();
  }
  const copy = new Database(to);
  try {
    // One file, without a log beside it.
    copy.pragma("journal_mode = DELETE");
    return { schema: schemaOf(copy) };
  } finally {
    copy.close();
  }
}

/** A copy that is to go on elsewhere: checked, brought up to date, and given a life of its own. Throws CatalogRefused, and says why. */
export function reviveCopy(path: string, backupAt: number, now: number): void {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { fileMustExist: true });
    const verdict = db.pragma("integrity_check(1)", { simple: true });
    if (verdict !== "ok") throw new CatalogRefused(`the backup's catalog is damaged (${String(verdict)})`);
    if (schemaOf(db) === 0) throw new CatalogRefused("the backup's catalog.db is not a catalog");
    migrate(db, migrations, "the backup's catalog");
    const at = beginLife(db, now, backupAt).restored?.at ?? now;
    // Who may do what is as it was then, which is as large a change as any.
    const summary = `the backup of ${new Date(backupAt).toISOString()}`;
    tellOffline(db, { at, verb: "stoker-coordinator restore", summary });
  } catch (error) {
    if (error instanceof Database.SqliteError) {
      throw new CatalogRefused(`the backup's catalog can't be read (${error.message})`, { cause: error });
    }
    throw error;
  } finally {
    db?.close();
  }
}

/** The key that a closed catalog's secrets are sealed with; undefined when it holds none. */
export function sealingKeyOf(path: string): string | undefined {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const key = keyOf(db);
    return key !== undefined && anySealed(db) ? key : undefined;
  } finally {
    db.close();
  }
}

const copiesKept = 3;
const copyName = /^catalog-schema-\d+-at-\d{14}\.db$/;

/** What an upgrade changes can only be had back from a copy. */
export function copyBeforeUpgrade(db: Database.Database, dataDir: string, now: Date): void {
  const schema = schemaOf(db);
  if (schema === 0 || schema >= migrations.length) return;
  const stamp = now.toISOString().replace(/\D/g, "").slice(0, 14);
  const path = join(dataDir, `catalog-schema-${schema}-at-${stamp}.db`);
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  try {
    db.prepare("VACUUM INTO ?").run(fresh);
  } catch (cause) {
    rmSync(fresh, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault(
      "failed-precondition",
      `the catalog can't be copied before it is brought up to date (${reason}): make room in ${dataDir} and start again; nothing was changed`,
      { cause },
    );
  }
  const file = openSync(fresh, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const copies = readdirSync(dataDir).filter((name) => copyName.test(name));
  const stampOf = (name: string) => name.slice(-17);
  copies.sort((a, b) => stampOf(b).localeCompare(stampOf(a)));
  for (const name of copies.slice(copiesKept)) rmSync(join(dataDir, name));
}

const schemaOf = (db: Database.Database) => Number(db.pragma("user_version", { simple: true }));
