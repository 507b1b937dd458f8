import type { World } from "../memory.js";
import type { Announcement, Outgoing } from "./announcement.js";

/** Of those that nobody has subscribed to, in memory alone. */
const recentMax = 1_000;

/** What memory keeps of announcements; called by apply.ts alone. */
export function keepRecent(world: World, announcement: Announcement): void {
  const { next, index } = world;
  const oldest = world.recent.get(next.recent - recentMax);
  if (oldest) {
    world.recent.delete(next.recent - recentMax);
    index.announced.delete(oldest.id);
  }
  world.recent.set(next.recent, announcement);
  index.announced.set(announcement.id, true);
  next.recent += 1;
}

/** Numbers go without gaps from the oldest to the next. */
export function keepOutgoing(world: World, number: number, row: Outgoing | undefined): void {
  const { next, index } = world;
  const before = world.outgoing.get(number);
  if (!row) {
    world.outgoing.delete(number);
    if (before) index.announced.delete(before.id);
    next.oldestOutgoing = Math.max(next.oldestOutgoing, number + 1);
    return;
  }
  world.outgoing.set(number, row);
  index.announced.set(row.id, true);
  const alone = next.oldestOutgoing === next.outgoing;
  next.oldestOutgoing = alone && !before ? number : Math.min(next.oldestOutgoing, number);
  next.outgoing = Math.max(next.outgoing, number + 1);
}
