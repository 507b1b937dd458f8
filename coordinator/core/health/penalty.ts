import type { Instant } from "../state.js";
import type { Failure, NodeHealth } from "./record.js";

const weekMs = 7 * 24 * 3_600_000;
const pointsOfFirstWeek = 16;
const pointsMax = 64;

/** 16 for a failure of this week, half as much for each week that it is ago; nothing is held against anybody for longer than five. */
export function pointsOf({ since, until }: Failure, now: Instant): number {
  const lastAt = until ?? Math.max(since, now);
  const weeks = Math.floor(Math.max(0, now - lastAt) / weekMs);
  return weeks > 5 ? 0 : pointsOfFirstWeek >> weeks;
}

/** Of the machine as a whole (uuid ""), or of one of its GPUs. */
export function penaltyOf(health: NodeHealth | undefined, uuid: string, now: Instant): number {
  if (!health) return 0;
  let points = 0;
  for (const failure of health.failures) if (failure.uuid === uuid) points += pointsOf(failure, now);
  return Math.min(points, pointsMax);
}

/** Of a machine and those of its GPUs that somebody is to have. */
export function penaltyOfShare(health: NodeHealth | undefined, uuids: readonly string[], now: Instant): number {
  if (!health) return 0;
  let points = penaltyOf(health, "", now);
  for (const uuid of uuids) points += penaltyOf(health, uuid, now);
  return points;
}

/** `2 failures in 5 weeks, the last: GPU 3 (…) fell off the bus` */
export function historyOf(health: NodeHealth | undefined, uuids: readonly string[], now: Instant): string | undefined {
  const counted = (health?.failures ?? []).filter(
    (failure) => (failure.uuid === "" || uuids.includes(failure.uuid)) && pointsOf(failure, now) > 0,
  );
  const last = counted.at(-1);
  if (!last) return undefined;
  const count = counted.length === 1 ? "1 failure" : `${counted.length} failures`;
  return `${count} in the last weeks, the latest: ${last.message}`;
}
