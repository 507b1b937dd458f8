/**
 * Works on all at once, but for those of which one lies inside another: they come one after the other, as they stand in the list.
 * Gives each one's end, in the list's order.
 */
export function inOrder<T extends { relativeMountPath: string }>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<Array<PromiseSettledResult<void>>> {
  const begun: Array<{ path: string; ended: Promise<void> }> = [];
  for (const item of items) {
    const path = item.relativeMountPath;
    const before = begun.filter((other) => isNested(other.path, path)).map(({ ended }) => ended);
    const ended =
      before.length === 0
        ? work(item)
        : Promise.allSettled(before)
            .then(() => Promise.all(before))
            .then(() => work(item));
    begun.push({ path, ended });
  }
  return Promise.allSettled(begun.map(({ ended }) => ended));
}

const isNested = (one: string, other: string) =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
