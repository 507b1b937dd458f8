import { openSync, readSync } from "node:fs";
import { type Clock, systemClock } from "./clock.js";

/**
 * Milliseconds since the machine was started, time asleep included: what leases are counted by, since a machine's sleep is no secret to the
 * coordinator. Node.js has only the clock that stands still then; /proc/uptime has this one, in hundredths of a second. The difference of the
 * two is what is kept: it never shrinks, so this clock never goes back, and is at most 10 ms behind.
 */
export function bootClock(uptimeMs: () => number = readUptimeMs, awakeMs: () => number = systemClock.monotonic): Clock {
  let asleepMs = Number.NEGATIVE_INFINITY;
  return {
    now: () => systemClock.now(),
    monotonic: () => {
      const uptime = uptimeMs();
      const awake = awakeMs();
      asleepMs = Math.max(asleepMs, uptime - awake);
      return awake + asleepMs;
    },
  };
}

/** Kept open: it is read for every event. Anew each time from its beginning, so that the kernel says it anew. */
let uptime: { descriptor: number; text: Buffer } | undefined;

function readUptimeMs(): number {
  uptime ??= { descriptor: openSync("/proc/uptime", "r"), text: Buffer.alloc(64) };
  const { descriptor, text } = uptime;
  const length = readSync(descriptor, text, 0, text.length, 0);
  return Math.round(Number.parseFloat(text.toString("latin1", 0, length)) * 1000);
}
