import { type Check, type Finding, fail, ok, warn } from "../finding.js";
import type { Machine } from "../machine.js";

export interface ClockWorld {
  machine: Machine;
  /** How far this clock is ahead of the coordinator's, where that is known. */
  clockAheadMs?: number | undefined;
  /** Where it is asked for else. */
  coordinator?: { host: string; port: number } | undefined;
}

const remedy = "timedatectl set-ntp true";
const noticed = 2_000;
/** Certificates and tokens of the one are from the other's future. */
const harmful = 60_000;

export const clock: Check<ClockWorld> = {
  name: "clock",
  async look({ machine, clockAheadMs, coordinator }) {
    const found: Finding[] = [];
    const ahead = clockAheadMs ?? (coordinator && (await aheadOf(machine, coordinator)));
    if (ahead !== undefined) found.push(offset(ahead));
    const asked = await machine.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"]);
    if (asked?.code === 0 && asked.stdout.trim() === "no") {
      found.push(warn("nothing keeps this machine's clock right: it is not synchronized", remedy));
    } else if (asked?.code === 0) found.push(ok("the clock is synchronized by NTP"));
    return found;
  },
};

async function aheadOf(machine: Machine, { host, port }: { host: string; port: number }): Promise<number | undefined> {
  const time = await machine.timeAt(host, port);
  // Told to the second: half of one is the best guess.
  return time === undefined ? undefined : Date.now() - (time + 500);
}

function offset(aheadMs: number): Finding {
  const words = `the clock is ${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} the coordinator's`;
  if (Math.abs(aheadMs) >= harmful) return fail(words, remedy);
  return Math.abs(aheadMs) >= noticed ? warn(words, remedy) : ok("the clock agrees with the coordinator's");
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
