/** What the core needs of a Map, so that a step can work on a copy that costs nothing. */
export interface TableOf<K, V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): unknown;
  delete(key: K): unknown;
  values(): Iterable<V>;
  keys(): Iterable<K>;
}

/** A table seen through the changes made here; the one below stays as it is. */
export class Overlay<K, V> implements TableOf<K, V> {
  /** undefined stands for a deleted entry. */
  private changed: Map<K, V | undefined> | undefined;

  constructor(private readonly below: TableOf<K, V>) {}

  get(key: K): V | undefined {
    return this.changed?.has(key) ? this.changed.get(key) : this.below.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    this.changed ??= new Map();
    this.changed.set(key, value);
  }

  delete(key: K): void {
    this.changed ??= new Map();
    this.changed.set(key, undefined);
  }

  *keys(): Generator<K> {
    for (const key of this.below.keys()) if (this.has(key)) yield key;
    if (this.changed === undefined) return;
    for (const [key, value] of this.changed) if (value !== undefined && !this.below.has(key)) yield key;
  }

  *values(): Generator<V> {
    for (const key of this.keys()) {
      const value = this.get(key);
      if (value !== undefined) yield value;
    }
  }
}
