import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { isFull } from "../../shared/disk-reserve.js";
import { Fault } from "../../shared/fault.js";
import { type Change, isRowChange, type Put, type RowChange, type Rows, type Table } from "../core/changes.js";
import type { CatalogLife } from "../core/restored.js";
import { AuditLog } from "./audit-log.js";
import { copyBeforeUpgrade } from "./copy.js";
import { readLife } from "./life.js";
import { migrate } from "./migrate.js";
import { migrations } from "./migrations/index.js";
import { newestOf } from "./newest.js";
import { CatalogRefused } from "./refused.js";
import { sealAll } from "./seal-all.js";
import type { Sealer } from "./sealer.js";
import { TableFile } from "./table.js";
import { tables } from "./tables/index.js";

const probeBytes = 2 ** 20;

export type AnyPut = { [T in Table]: Put<T> }[Table];
type TableFiles = { readonly [T in Table]: TableFile<Rows[T]> };

/** The one SQLite file that holds all rows of the core. WAL and synchronous=FULL: a commit that returned survives a power cut. */
export class Catalog implements Disposable {
  readonly audit: AuditLog;
  private readonly files: TableFiles;
  private readonly transact: (changes: readonly RowChange[]) => void;

  private constructor(
    private readonly db: Database.Database,
    sealer: Sealer,
  ) {
    this.files = openTables(db, sealer);
    this.audit = new AuditLog(db);
    const cascade = [
      db.prepare("DELETE FROM attempt WHERE job = ?"),
      db.prepare("DELETE FROM job_event WHERE job = ?"),
    ];
    this.transact = db.transaction((changes: readonly RowChange[]) => {
      for (const change of changes) {
        if (change.kind === "put") {
          this.put(change);
          continue;
        }
        this.files[change.table].delete(change.key);
        if (change.table === "job") for (const statement of cascade) statement.run(change.key);
      }
    });
  }

  /** Throws CatalogRefused when the file is damaged, newer than this program, or sealed with a key that is missing. */
  static open(dataDir: string, sealer: Sealer): Catalog {
    const path = join(dataDir, "catalog.db");
    let db: Database.Database | undefined;
    try {
      db = new Database(path);
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = FULL");
      db.pragma("temp_store = MEMORY");
      // 16 MiB: a checkpoint has its own syncs, and a busy queue rewrites the same pages many times.
      db.pragma("wal_autocheckpoint = 4000");
      const verdict = db.pragma("quick_check(1)", { simple: true });
      if (verdict !== "ok")
        throw new CatalogRefused(`${path} is damaged (${String(verdict)}): restore it from a backup`);
      copyBeforeUpgrade(db, dataDir, new Date());
      migrate(db, migrations, path);
      sealAll(db, sealer, path);
      return new Catalog(db, sealer);
    } catch (error) {
      db?.close();
      if (isDamage(error))
        throw new CatalogRefused(`${path} is damaged (${error.message}): restore it from a backup`, { cause: error });
      throw asFault(error);
    }
  }

  /** All rows but the history in words and the audit log, which memory does not hold; of the log, the last. Attempts come in the order of their numbers. */
  *load(): Generator<AnyPut> {
    for (const table of Object.keys(tables) as Table[]) {
      if (table === "job-event" || table === "audit-entry") continue;
      for (const row of this.files[table].all()) yield { kind: "put", table, row } as AnyPut;
    }
    const last = this.audit.last();
    if (last) yield { kind: "put", table: "audit-entry", row: last };
  }

  /** All of them or, with a Fault that says what to do, none. */
  commit(changes: readonly Change[]): void {
    const rows = newestOf(changes.filter(isRowChange));
    if (rows.length === 0) return;
    try {
      this.transact(rows);
    } catch (error) {
      throw asFault(error);
    }
    for (const change of rows) {
      if (change.kind === "put") this.stored(change);
    }
  }

  /** Takes as much room as a busy batch does, and gives it back: throws a Fault when the disk would refuse that. */
  probe(): void {
    const path = `${this.db.name}.probe`;
    try {
      writeFileSync(path, Buffer.alloc(probeBytes, "x"));
      rmSync(path);
      this.db.exec("UPDATE life SET life = life");
    } catch (error) {
      rmSync(path, { force: true });
      throw asFault(error);
    }
  }

  get life(): CatalogLife {
    return readLife(this.db);
  }

  /** As SQLite has it, not as we asked for it. */
  durability(): { journal: unknown; synchronous: unknown } {
    return {
      journal: this.db.pragma("journal_mode", { simple: true }),
      synchronous: this.db.pragma("synchronous", { simple: true }),
    };
  }

  [Symbol.dispose](): void {
    this.db.close();
  }

  private put<T extends Table>(change: Put<T>): void {
    this.files[change.table].put(change.row);
  }

  private stored<T extends Table>(change: Put<T>): void {
    this.files[change.table].stored(change.row);
  }
}

function openTables(db: Database.Database, sealer: Sealer): TableFiles {
  const files: Partial<Record<Table, TableFile<never>>> = {};
  const add = <T extends Table>(table: T) => {
    files[table] = new TableFile<Rows[T]>(db, tables[table], sealer) as unknown as TableFile<never>;
  };
  for (const table of Object.keys(tables) as Table[]) add(table);
  return files as unknown as TableFiles;
}

function isDamage(error: unknown): error is Error {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

/** The disk's trouble is the caller's to wait for; anything else is our bug and goes on as it is. */
function asFault(error: unknown): unknown {
  const cause = { cause: error };
  if (isFull(error) || (error instanceof Database.SqliteError && error.code === "SQLITE_FULL")) {
    return new Fault(
      "resource-exhausted",
      "the coordinator's disk is full: nothing was changed; make room there and try again",
      cause,
    );
  }
  if (!(error instanceof Database.SqliteError)) return error;
  if (/^SQLITE_(IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM)/.test(error.code)) {
    return new Fault(
      "unavailable",
      `the coordinator could not write to its disk (${error.code}): nothing was changed; try again`,
      cause,
    );
  }
  return error;
}
