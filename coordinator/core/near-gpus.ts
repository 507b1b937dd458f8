import type { NodeGpu } from "./state.js";

/** How well two GPUs talk to each other: NVLink before everything, the more the better, then what shares more of the way. */
function closeness(link: string | undefined): number {
  if (link === undefined) return 0;
  if (/^NV\d/.test(link)) return 100 + Number(link.slice(2));
  return others[link] ?? 0;
}

const others: Readonly<Record<string, number>> = {
  X: 1_000,
  C2C: 90,
  NVB: 80,
  PIX: 50,
  PXB: 40,
  PHB: 30,
  NODE: 20,
  SYS: 10,
  SOC: 10,
};

/**
 * `count` of the free GPUs of one node: by their order first, which `rankOf` says is the same for many, and among those the ones that are close
 * to each other and leave the others close to each other. Without a word about how they are connected, the first.
 */
export function nearest(
  gpus: readonly NodeGpu[],
  free: readonly string[],
  count: number,
  rankOf: (uuid: string) => number,
): readonly string[] {
  if (count >= free.length || count === 0 || !gpus.some(({ links }) => links)) return free.slice(0, count);
  const last = rankOf(free[count - 1] ?? "");
  const certain = free.slice(0, count).filter((uuid) => rankOf(uuid) < last);
  const among = free.filter((uuid) => rankOf(uuid) === last);
  if (certain.length + among.length <= count) return free.slice(0, count);
  const at = new Map(gpus.map(({ uuid }, place) => [uuid, place]));
  const near = (a: string, b: string) => closeness(gpus[at.get(a) ?? -1]?.links?.[at.get(b) ?? -1]);
  const sum = (uuid: string, set: readonly string[]) => set.reduce((all, other) => all + near(uuid, other), 0);
  let best: { chosen: readonly string[]; inside: number; torn: number } | undefined;
  for (const seed of among) {
    const chosen = [...certain, seed];
    while (chosen.length < count) {
      const left = among.filter((uuid) => !chosen.includes(uuid));
      const next = left.reduce((one, other) => (sum(other, chosen) > sum(one, chosen) ? other : one));
      chosen.push(next);
    }
    const rest = free.filter((uuid) => !chosen.includes(uuid));
    const inside = chosen.reduce((all, uuid) => all + sum(uuid, chosen), 0);
    const torn = chosen.reduce((all, uuid) => all + sum(uuid, rest), 0);
    if (!best || inside > best.inside || (inside === best.inside && torn < best.torn)) best = { chosen, inside, torn };
  }
  const { chosen = [] } = best ?? {};
  return free.filter((uuid) => chosen.includes(uuid));
}
