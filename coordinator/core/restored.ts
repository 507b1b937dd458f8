import type { LeaseId } from "../../shared/ids.js";
import type { World } from "./memory.js";
import type { Instant, Job, Lease, Node } from "./state.js";
import type { Holder } from "./usage.js";

/**
 * A catalog that was restored from a backup does not know what happened after the backup, nor whether the coordinator that it is a copy of still
 * lives. So it begins a new life. An agent that was welcomed to a life obeys no earlier one any more, and ends what that life does not know.
 * Until every node has shown that it has, or a person has seen that it is off, no job of the backup is started, and what runs of them is not
 * renewed: another attempt may run where the original said so. And no attempt number is given twice, because those that follow a restore leave
 * out as many as could have been given since the backup.
 */
export interface CatalogLife {
  /** The same in every copy. */
  readonly catalog: string;
  /** Higher in each restored copy than in the backup. */
  readonly epoch: number;
  /** Tells two copies of one epoch apart. */
  readonly life: string;
  readonly restored?: {
    /** Not before anything that the backup tells of. */
    readonly at: Instant;
    /** Numbers of attempts that are left out. */
    readonly attemptsSkipped: number;
  };
}

/** What it runs is not known, and it may obey an earlier life. */
export function isAwaited({ settings }: World, node: Node): boolean {
  const { life } = settings;
  if (!life?.restored || (node.epoch ?? 0) >= life.epoch) return false;
  return node.lost === undefined || node.lost.since < life.restored.at;
}

export function isGathering({ index }: World): boolean {
  for (const _ of index.awaited.keys()) return true;
  return false;
}

/** Of those, whether another attempt runs beside it nobody can say yet. */
export function undecidedOf(world: World, holders: readonly Holder[]): LeaseId[] {
  if (!isGathering(world)) return [];
  return holders.flatMap(({ lease: id, job: uuid }) => {
    const job = world.jobs.get(uuid);
    const lease = job && "lease" in job.state ? job.state.lease : undefined;
    return lease?.id === id && grantedByOriginal(world, lease) ? [id] : [];
  });
}

export function grantedByOriginal({ settings }: World, { grantedAt }: Lease): boolean {
  return settings.life?.restored !== undefined && grantedAt <= settings.life.restored.at;
}

/** Its agent has taken our Welcome, and nothing is left there of what we know nothing of. */
export function obeying({ settings }: World, node: Node): Node {
  return settings.life ? { ...node, epoch: settings.life.epoch } : node;
}

/** The backup held it, so that it may have been started since. */
export function isOfBackup({ settings }: World, job: Job): boolean {
  return settings.life?.restored !== undefined && job.createdAt <= settings.life.restored.at;
}

/** Undefined when it is an earlier life of another catalog, or no life at all: nothing follows from that. */
export function outlived(own: CatalogLife | undefined, obeyed: CatalogLife | undefined): string | undefined {
  if (!own || own.catalog !== obeyed?.catalog || own.life === obeyed.life || obeyed.epoch < own.epoch) return undefined;
  return "this node obeys a copy of this coordinator's catalog that was restored from a backup: stop this coordinator";
}

export function nextAttempt({ settings }: World, job: Job): number {
  const restored = settings.life?.restored;
  const latest = job.attempt === 0 ? job.createdAt : (job.startedAt ?? job.createdAt);
  return job.attempt + 1 + (restored && latest <= restored.at ? restored.attemptsSkipped : 0);
}
