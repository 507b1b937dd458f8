import { keyOf, type RowChange } from "../core/changes.js";

/**
 * Without the puts that a later one of the same row replaces: many events share a commit, and several may be about one job. Nothing is moved
 * over a delete, which can take other rows along.
 */
export function newestOf(changes: readonly RowChange[]): RowChange[] {
  const later = new Set<string>();
  const kept: RowChange[] = [];
  for (let at = changes.length - 1; at >= 0; at -= 1) {
    const change = changes[at];
    if (!change) continue;
    if (change.kind === "delete") {
      later.clear();
    } else {
      const row = `${change.table} ${keyOf(change.row)}`;
      if (later.has(row)) continue;
      later.add(row);
    }
    kept.push(change);
  }
  return kept.reverse();
}
