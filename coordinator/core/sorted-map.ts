/**
 * A sorted map from numbers that is never changed in place: `with` and `without` give another one in O(log n) and share the rest, so a step
 * can try its changes on a copy that costs nothing. A treap, whose priorities are a hash of the key: no randomness, balanced all the same.
 */
export class SortedMap<V> {
  private constructor(private readonly root: Branch<V> | undefined) {}

  static empty<V>(): SortedMap<V> {
    return new SortedMap<V>(undefined);
  }

  get size(): number {
    return this.root?.size ?? 0;
  }

  get(key: number): V | undefined {
    let at = this.root;
    while (at !== undefined && at.key !== key) at = key < at.key ? at.left : at.right;
    return at?.value;
  }

  with(key: number, value: V): SortedMap<V> {
    const [below, rest] = split(this.root, key, false);
    const [, above] = split(rest, key, true);
    return new SortedMap(join(join(below, branch(key, value, undefined, undefined)), above));
  }

  without(key: number): SortedMap<V> {
    if (this.get(key) === undefined) return this;
    const [below, rest] = split(this.root, key, false);
    const [, above] = split(rest, key, true);
    return new SortedMap(join(below, above));
  }

  /** How many keys are smaller. */
  rank(key: number): number {
    let at = this.root;
    let count = 0;
    while (at !== undefined) {
      if (key <= at.key) at = at.left;
      else {
        count += (at.left?.size ?? 0) + 1;
        at = at.right;
      }
    }
    return count;
  }

  /** Ascending, beginning with the first key that is not smaller than `from`. */
  *entries(from = Number.NEGATIVE_INFINITY): Generator<readonly [number, V]> {
    const path: Branch<V>[] = [];
    const descend = (start: Branch<V> | undefined) => {
      let at = start;
      while (at !== undefined) {
        if (at.key >= from) {
          path.push(at);
          at = at.left;
        } else at = at.right;
      }
    };
    descend(this.root);
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      yield [at.key, at.value];
      descend(at.right);
    }
  }

  *values(from?: number): Generator<V> {
    for (const [, value] of this.entries(from)) yield value;
  }
}

interface Branch<V> {
  readonly key: number;
  readonly value: V;
  readonly weight: number;
  readonly size: number;
  readonly left: Branch<V> | undefined;
  readonly right: Branch<V> | undefined;
}

function branch<V>(key: number, value: V, left: Branch<V> | undefined, right: Branch<V> | undefined): Branch<V> {
  return { key, value, weight: hash(key), size: 1 + (left?.size ?? 0) + (right?.size ?? 0), left, right };
}

/** Keys below `key` (or up to it, when `inclusive`) and the others. */
function split<V>(
  at: Branch<V> | undefined,
  key: number,
  inclusive: boolean,
): [Branch<V> | undefined, Branch<V> | undefined] {
  if (at === undefined) return [undefined, undefined];
  if (at.key < key || (inclusive && at.key === key)) {
    const [low, high] = split(at.right, key, inclusive);
    return [branch(at.key, at.value, at.left, low), high];
  }
  const [low, high] = split(at.left, key, inclusive);
  return [low, branch(at.key, at.value, high, at.right)];
}

/** All keys of `low` are below those of `high`. */
function join<V>(low: Branch<V> | undefined, high: Branch<V> | undefined): Branch<V> | undefined {
  if (low === undefined) return high;
  if (high === undefined) return low;
  return low.weight > high.weight
    ? branch(low.key, low.value, low.left, join(low.right, high))
    : branch(high.key, high.value, join(low, high.left), high.right);
}

/** Spreads neighbouring numbers over 32 bits; the part above 2^32 (the priority in a queue's key) is mixed in too. */
function hash(key: number): number {
  let mixed = (key ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
