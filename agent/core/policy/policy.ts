import type { LeaseGrant } from "../../../shared/gen/stoker/v1/lease_pb.js";
import type { Instant } from "../time.js";

/** What the machine's owner lets Stoker do there. Nothing that the coordinator says goes beyond it. */
export interface Policy {
  /** When jobs may run; undefined: always. */
  readonly hours?: readonly Hours[];
  readonly users: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** By index or UUID; undefined: all that there are. */
  readonly gpus?: readonly (number | string)[];
  readonly containersOnly: boolean;
  /** Undefined: as the agent's own setting says. */
  readonly allowAdminAccounts?: boolean;
  readonly allowRoot: boolean;
  readonly reclaim?: Reclaim;
}

/** A span of the local day, on some days of the week. */
export interface Hours {
  /** 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight. One that ends before it begins goes on into the next day. */
  readonly from: number;
  readonly to: number;
}

/** What tells that somebody needs the machine. */
export interface Reclaim {
  /** Somebody sits at it. */
  readonly seat: boolean;
  /** Somebody is logged in from elsewhere. */
  readonly ssh: boolean;
  /** A person's process that is no job's uses a GPU. */
  readonly gpuClients: boolean;
  /** So long after the last sign it is offered again. */
  readonly quietMs: number;
}

export const openPolicy: Policy = { users: { allow: [], deny: [] }, containersOnly: false, allowRoot: false };

/** What is to be seen at this moment. */
export interface Seen {
  readonly now: Instant;
  /** Of the machine's own clock on the wall. */
  readonly local: { readonly day: number; readonly minute: number };
  /** In words, such as `alice sits at it`; empty: nobody needs it. */
  readonly signs: readonly string[];
}

/** What holds now, as the coordinator is told. */
export interface Terms {
  /** Why nothing may run here; empty: it may. */
  readonly closed: string;
  readonly closedUntil?: Instant;
  /** What runs is to go elsewhere. */
  readonly wantedBack: boolean;
  /** And stands still until it has gone. */
  readonly isHere: boolean;
  readonly usersAllowed: readonly string[];
  readonly usersDenied: readonly string[];
  readonly containersOnly: boolean;
}

/** When the last sign of the owner was seen. */
export interface Presence {
  readonly sign: string;
  readonly at: Instant;
}

const dayMinutes = 24 * 60;

export function presenceAfter(before: Presence | undefined, { signs, now }: Seen): Presence | undefined {
  const [sign] = signs;
  return sign === undefined ? before : { sign, at: now };
}

export function termsOf(policy: Policy, seen: Seen, presence: Presence | undefined): Terms {
  const always = {
    usersAllowed: policy.users.allow,
    usersDenied: policy.users.deny,
    containersOnly: policy.containersOnly,
  };
  const { reclaim, hours } = policy;
  const isHere = presence?.at === seen.now;
  if (reclaim && presence && (isHere || seen.now < presence.at + reclaim.quietMs)) {
    const closed = isHere ? `its owner wants it: ${presence.sign}` : `its owner has just left (${presence.sign})`;
    // Who has gone for a moment may come back: nothing new begins, and what is left of the move goes on.
    const until = isHere ? {} : { closedUntil: presence.at + reclaim.quietMs };
    return { closed, ...until, wantedBack: true, isHere, ...always };
  }
  if (hours && !hours.some((span) => contains(span, seen.local))) {
    const minutes = minutesUntilOpen(hours, seen.local);
    const closed =
      minutes === undefined
        ? "its owner allows no jobs at any time"
        : `its owner allows no jobs before ${clock((seen.local.minute + minutes) % dayMinutes)}`;
    const until = minutes === undefined ? {} : { closedUntil: seen.now + minutes * 60_000 };
    return { closed, ...until, wantedBack: true, isHere: false, ...always };
  }
  return { closed: "", wantedBack: false, isHere: false, ...always };
}

/** Nothing new begins while nobody can tell what the owner wants; what runs goes on. */
export const unreadable = (why: string): Terms => ({
  closed: `its owner's policy file can't be understood: ${why}`,
  wantedBack: false,
  isHere: false,
  usersAllowed: [],
  usersDenied: [],
  containersOnly: false,
});

/** Why this job may not run here, or undefined. */
export function refusedByOwner(terms: Terms, grant: Pick<LeaseGrant, "submittedBy" | "container">): string | undefined {
  if (terms.closed !== "") return terms.closed;
  const { submittedBy: user } = grant;
  const who = user === "" ? "jobs of the coordinator's own token" : `jobs of ${user}`;
  const named = (list: readonly string[]) => list.includes("*") || (user !== "" && list.includes(user));
  if (named(terms.usersDenied)) return `its owner lets no ${who} run there`;
  if (terms.usersAllowed.length > 0 && !named(terms.usersAllowed)) return `its owner lets no ${who} run there`;
  if (terms.containersOnly && !grant.container) return "its owner lets jobs run there in containers only";
  return undefined;
}

/** Those that the owner gives. */
export function givenGpus<Gpu extends { uuid: string; index: number }>({ gpus }: Policy, all: readonly Gpu[]): Gpu[] {
  return gpus === undefined ? [...all] : all.filter(({ uuid, index }) => gpus.includes(uuid) || gpus.includes(index));
}

function contains({ days, from, to }: Hours, { day, minute }: Seen["local"]): boolean {
  const yesterday = (day + 6) % 7;
  if (from < to) return days.includes(day) && minute >= from && minute < to;
  return (days.includes(day) && minute >= from) || (days.includes(yesterday) && minute < to);
}

/** Within a week; undefined when that never comes. */
function minutesUntilOpen(hours: readonly Hours[], { day, minute }: Seen["local"]): number | undefined {
  for (let ahead = 1; ahead <= 7 * dayMinutes; ahead++) {
    const at = minute + ahead;
    const local = { day: (day + Math.floor(at / dayMinutes)) % 7, minute: at % dayMinutes };
    if (hours.some((span) => contains(span, local))) return ahead;
  }
  return undefined;
}

const two = (value: number) => String(value).padStart(2, "0");
const clock = (minute: number) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
