/**
 * Which coordinator this node obeys. Each copy of a catalog has a life of its own, and each restore of a backup begins one with a higher epoch. What
 * a node has once been welcomed to it does not leave for an earlier one: two coordinators of one catalog could each start an attempt of the same job.
 */
export interface CatalogLife {
  /** The same in every copy. */
  readonly catalog: string;
  readonly epoch: number;
  /** Tells two copies of one epoch apart. */
  readonly life: string;
}

/** The latest life of each catalog, that obeyed last at the end. */
export type Obeyed = readonly CatalogLife[];

const catalogsRemembered = 16;

/** Why not, in words; undefined when it may be obeyed. `busy`: this node holds leases of the one it obeyed last. */
export function objection(obeyed: Obeyed, said: CatalogLife | undefined, busy: boolean): string | undefined {
  const last = obeyed.at(-1);
  if (!last) return undefined;
  if (!said) return "it does not say which catalog it has, as one of release 0.1, and this node has obeyed a later one";
  const known = obeyed.find(({ catalog }) => catalog === said.catalog);
  if (known && known.life !== said.life && known.epoch >= said.epoch) {
    return "its catalog is an earlier copy of the one that this node obeys, which was restored from a backup meanwhile";
  }
  if (last.catalog !== said.catalog && busy) return "it has another catalog, and this node still holds jobs of its own";
  return undefined;
}

export const advice =
  "stop that coordinator or correct --coordinator; if it is the right one, say `stoker-agent --accept-coordinator` with this agent's settings";

export function withObeyed(obeyed: Obeyed, said: CatalogLife): Obeyed {
  return [...obeyed.filter(({ catalog }) => catalog !== said.catalog), said].slice(-catalogsRemembered);
}

export const isLatest = (obeyed: Obeyed, said: CatalogLife) => obeyed.at(-1)?.life === said.life;
