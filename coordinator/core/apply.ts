import type { Change, Put, Table } from "./changes.js";
import type { State } from "./memory.js";

/** Does to memory what the catalog does to its rows. In order; the changes of one step, or of several one after another. */
export function apply(state: State, changes: readonly Change[]): void {
  void state;
  void changes;
}

/** Rebuilds memory from rows. Order does not matter but for attempts, which come in the order of their numbers. */
export function load(state: State, rows: Iterable<Put<Table>>): void {
  void rows;
  apply(state, []);
}
