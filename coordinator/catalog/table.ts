import type { Database, Statement } from "better-sqlite3";
import { assert } from "../../shared/assert.js";
import type { Column, SqlValue } from "./column.js";
import { isSealed, type Sealer } from "./sealer.js";

type Found = Record<string, SqlValue>;

/** Every field of a record has a column: a new field without one does not compile. */
export type Columns<Row> = { readonly [F in keyof Row]-?: Column<Exclude<Row[F], undefined>> };

export interface TableShape<Row> {
  readonly name: string;
  /** Fields of the primary key. */
  readonly key: ReadonlyArray<keyof Row & string>;
  readonly columns: Columns<Row>;
  /** SQL for the text that the core's deletes name; absent for tables whose rows are not deleted singly. */
  readonly keyText?: string;
}

/** The prepared statements of one table: records in, records out. */
export class TableFile<Row extends object> {
  private readonly fields: Array<[keyof Row & string, Column<unknown>]>;
  private readonly changing: Array<[keyof Row & string, Column<unknown>]>;
  private readonly upsert: Statement<unknown[]>;
  private readonly update: Statement<unknown[]>;
  private readonly remove: Statement<unknown[]> | undefined;
  private readonly select: Statement<unknown[], Found>;
  /** Values of byIdentity columns that are on disk as they are. */
  private readonly written = new WeakSet<object>();

  constructor(
    db: Database,
    private readonly shape: TableShape<Row>,
    private readonly sealer: Sealer,
  ) {
    this.fields = Object.entries(shape.columns) as Array<[keyof Row & string, Column<unknown>]>;
    this.changing = this.fields.filter(([field, column]) => !column.byIdentity && !shape.key.includes(field));
    const { name, key } = shape;
    const where = key.map((field) => `${snake(field)} = ?`).join(" AND ");
    const all = this.fields.map(([field]) => snake(field));
    const rest = all.filter((column) => !key.map(snake).includes(column));
    this.upsert = db.prepare(
      `INSERT INTO ${name} (${all.join(", ")}) VALUES (${all.map(() => "?").join(", ")})
       ON CONFLICT DO UPDATE SET ${rest.map((column) => `${column} = excluded.${column}`).join(", ")}`,
    );
    this.update = db.prepare(
      `UPDATE ${name} SET ${this.changing.map(([field]) => `${snake(field)} = ?`).join(", ")} WHERE ${where}`,
    );
    this.remove =
      shape.keyText === undefined ? undefined : db.prepare(`DELETE FROM ${name} WHERE ${shape.keyText} = ?`);
    this.select = db.prepare<unknown[], Found>(
      `SELECT * FROM ${name}${key.length > 1 ? ` ORDER BY ${key.map(snake).join(", ")}` : ""}`,
    );
  }

  /** Called inside a transaction; `stored` must be called with the same row once it was committed. */
  put(row: Row): void {
    const fixed = this.fields.filter(([, column]) => column.byIdentity).map(([field]) => row[field]);
    if (
      fixed.length > 0 &&
      fixed.every((value) => typeof value === "object" && value !== null && this.written.has(value))
    ) {
      const { changes } = this.update.run([...this.encode(row, this.changing), ...this.keyOf(row)]);
      if (changes === 1) return;
    }
    this.upsert.run(this.encode(row, this.fields));
  }

  stored(row: Row): void {
    for (const [field, column] of this.fields) {
      const value = row[field];
      if (column.byIdentity && typeof value === "object" && value !== null) this.written.add(value);
    }
  }

  delete(key: string): void {
    assert(this.remove, `rows of ${this.shape.name} are not deleted singly`);
    this.remove.run(key);
  }

  *all(): Generator<Row> {
    for (const found of this.select.iterate()) {
      const row = this.decode(found);
      this.stored(row);
      yield row;
    }
  }

  private encode(row: Row, fields: Array<[keyof Row & string, Column<unknown>]>): SqlValue[] {
    return fields.map(([field, column]) => {
      const value = row[field];
      if (value === undefined) return null;
      const encoded = column.encode(value);
      if (!Buffer.isBuffer(encoded) || !column.hasSecrets?.(value)) return encoded;
      return this.sealer.seal(contextOf(this.shape.name, field), encoded);
    });
  }

  private keyOf(row: Row): SqlValue[] {
    return this.shape.key.map((field) => this.shape.columns[field].encode(row[field] as never));
  }

  private decode(found: Found): Row {
    const row: Record<string, unknown> = {};
    for (const [field, column] of this.fields) {
      const value = found[snake(field)];
      if (value === null || value === undefined) continue;
      const sealed = Buffer.isBuffer(value) && column.hasSecrets && isSealed(value);
      row[field] = column.decode(sealed ? this.sealer.open(contextOf(this.shape.name, field), value) : value);
    }
    return row as Row;
  }
}

/** What a sealed column may be opened as. */
export const contextOf = (table: string, field: string) => `${table}.${field}`;

const snake = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
