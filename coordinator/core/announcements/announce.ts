import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Instant } from "../state.js";
import type { Announcement } from "./announcement.js";
import { subscribersOf } from "./subscription.js";

/** What is kept on disk, delivered or not: the oldest make room. */
export const outgoingMax = 10_000;
export const outgoingAgeMs = 7 * 86_400_000;

/**
 * Tells of something, in the same commit as that itself. What nobody has subscribed to costs no row. An id that was told before, and is still
 * known, is not told again.
 */
export function announce(draft: Draft, told: Announcement): void {
  const { world } = draft;
  if (world.index.announced.has(told.id)) return;
  const pending = subscribersOf(world, told);
  if (pending.length === 0) {
    draft.note({ kind: "announced", announcement: told });
    return;
  }
  const number = world.next.outgoing;
  draft.put("outgoing", { ...told, number, pending });
  draft.order({ kind: "announcement", number });
  while (world.next.outgoing - world.next.oldestOutgoing > outgoingMax) dropOldest(draft);
}

/** By age; a few at a time. */
export function dropOld(draft: Draft): void {
  const { world } = draft;
  for (let count = 0; count < 100; count += 1) {
    const oldest = world.outgoing.get(world.next.oldestOutgoing);
    if (!oldest || draft.now - oldest.at < outgoingAgeMs) return;
    dropOldest(draft);
  }
}

function dropOldest(draft: Draft): void {
  const { world } = draft;
  const number = world.next.oldestOutgoing;
  const oldest = world.outgoing.get(number);
  for (const uuid of oldest?.pending ?? []) missed(draft, uuid);
  draft.delete("outgoing", String(number));
}

/** It will never get one that it waited for. */
export function missed(draft: Draft, uuid: Parameters<World["subscriptions"]["get"]>[0]): void {
  const subscription = draft.world.subscriptions.get(uuid);
  if (!subscription) return;
  const { missed: since, missedEver } = subscription;
  draft.put("subscription", { ...subscription, missed: since + 1, missedEver: missedEver + 1 });
}

/** Known ones, oldest first. */
export function knownSince(world: World, since: Instant): Announcement[] {
  const known: Announcement[] = [];
  for (const each of world.outgoing.values()) if (each.at >= since) known.push(each);
  for (const each of world.recent.values()) if (each.at >= since) known.push(each);
  return known.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}
