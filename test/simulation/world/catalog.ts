import {
  type Change,
  isRowChange,
  keyOf,
  type Put,
  type RowChange,
  type Table,
} from "../../../coordinator/core/changes.js";
import { Fault } from "../../../shared/fault.js";

type AnyPut = { [T in Table]: Put<T> }[Table];

/** The coordinator's rows on its disk: a commit that returned survives everything. */
export class Catalog {
  full = false;
  private readonly rows = new Map<string, AnyPut>();
  private readonly attempts = new Map<string, Set<string>>();

  constructor(
    /** Before and after each commit: what is told there may kill the process. */
    private readonly watched: {
      committing(): void;
      written(before: AnyPut | undefined, change: RowChange): void;
      committed(changes: readonly Change[]): void;
    },
  ) {}

  *load(): Generator<AnyPut> {
    yield* this.rows.values();
  }

  get(table: Table, key: string): AnyPut | undefined {
    return this.rows.get(`${table} ${key}`);
  }

  probe(): void {
    if (this.full) throw new Fault("resource-exhausted", "the coordinator's disk is full: nothing was changed");
  }

  commit(changes: readonly Change[]): void {
    const rows = changes.filter(isRowChange);
    if (rows.length > 0) {
      this.watched.committing();
      if (this.full) throw new Fault("resource-exhausted", "the coordinator's disk is full: nothing was changed");
      for (const change of rows) this.write(change);
    }
    this.watched.committed(changes);
  }

  private write(change: RowChange): void {
    // History in words is written and never read again.
    if (change.table === "job-event") return;
    const key = `${change.table} ${change.kind === "put" ? keyOf(change.row) : change.key}`;
    this.watched.written(this.rows.get(key), change);
    if (change.kind === "delete") {
      this.rows.delete(key);
      for (const attempt of this.attempts.get(change.key) ?? []) this.rows.delete(attempt);
      this.attempts.delete(change.key);
      return;
    }
    this.rows.set(key, change as AnyPut);
    if (change.table !== "attempt") return;
    const of = this.attempts.get(change.row.job) ?? new Set();
    this.attempts.set(change.row.job, of.add(key));
  }
}
