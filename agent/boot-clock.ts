import { readFileSync } from "node:fs";
import { type Clock, systemClock } from "../shared/clock.js";

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

function readUptimeMs(): number {
  return Math.round(Number.parseFloat(readFileSync("/proc/uptime", "utf8")) * 1000);
}
