import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive, stateOf } from "../fakes/agent-site.js";
import { makeFence } from "../fakes/fence.js";
import { until } from "../fakes/until.js";
import { isFrozen, WatchSite } from "../fakes/watch-site.js";

/** Machines that run all tests at once are slow. */
const longMs = 20_000;

let site: WatchSite;
beforeEach(() => {
  site = new WatchSite();
});
afterEach(() => site.stop());

const frozen = (pid: number) => until("a frozen process", () => isFrozen(pid), longMs);
const goesOn = (pid: number) => until("a process that goes on", () => stateOf(pid) === "S", longMs);

describe("a deadline", () => {
  it("that passes freezes the lease's processes, and a later one lets them go on", async () => {
    await site.watch("--replace");
    const lease = site.lease(60_000);
    const other = await site.sleeper(site.lease(60_000));
    const pid = await site.sleeper(lease);
    expect(isFrozen(pid)).toBe(false);
    site.renew(lease, 300);
    await frozen(pid);
    expect(site.clock.monotonic()).toBeGreaterThanOrEqual(site.fences.until(lease) ?? Number.NaN);
    await until("the mark", () => /\nfrozen \d{13} +\n$/.test(readFileSync(site.fences.path(lease), "utf8")));
    expect(isFrozen(other)).toBe(false);
    site.renew(lease, 60_000);
    await goesOn(pid);
    await until("no mark", () => !readFileSync(site.fences.path(lease), "utf8").includes("frozen"));
  });

  it("that had passed before the watchdog was there counts at once", async () => {
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    site.renew(lease, 0);
    await site.watch("--replace");
    await frozen(pid);
  });

  it("that is torn leaves the one before it, and none at all is one that has passed", async () => {
    await site.watch("--replace");
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    const path = site.fences.path(lease);
    const text = readFileSync(path, "latin1");
    site.renew(lease, 120_000);
    const renewed = readFileSync(path, "latin1");
    const at = [...text].findIndex((letter, index) => letter !== renewed[index]);
    // Half of what was written for the later one.
    writeFileSync(path, `${renewed.slice(0, at)}${text.slice(at, at + 2)}${renewed.slice(at + 2)}`, { flag: "r+" });
    expect(site.fences.until(lease)).toBeLessThan(site.clock.monotonic() + 60_000);
    expect(isFrozen(pid)).toBe(false);
    writeFileSync(
      path,
      text.replaceAll(/\d{20} \d{20}/g, (slot) => slot.replace(/\d$/, "x")),
      { flag: "r+" },
    );
    await frozen(pid);
    writeFileSync(path, renewed, { flag: "r+" });
    await goesOn(pid);
    writeFileSync(path, "not a fence");
    await frozen(pid);
  });

  it("of another boot freezes nothing", async () => {
    await site.watch("--replace");
    const pid = await site.sleeper(site.lease(60_000));
    const lease = "0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.7";
    makeFence(site.dir, lease, -5_000, { bootId: "0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2f" });
    const [watchdog = 0] = site.watchdogs();
    // It has looked since: one of this boot is seen.
    const late = site.lease(-1_000);
    await until("a mark", () => readFileSync(site.fences.path(late), "utf8").includes("frozen"));
    expect(readFileSync(join(site.dir, "fences", lease), "utf8")).not.toContain("frozen");
    expect(isFrozen(pid)).toBe(false);
    expect(isAlive(watchdog)).toBe(true);
  });

  it("is never lost, however closely renewals and freezes follow each other", async () => {
    await site.watch("--replace");
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    for (let round = 0; round < 40; round += 1) {
      // Around the moment of the freeze: before it, in it, after it.
      site.renew(lease, 5);
      await new Promise((resolve) => setTimeout(resolve, 20 + round));
      site.renew(lease, round % 2 === 0 ? 60_000 : -1);
      await (round % 2 === 0 ? goesOn(pid) : frozen(pid));
    }
  });
});

describe("what the job chose", () => {
  it("kill: everything of it is killed, and its end is on disk", async () => {
    await site.watch("--replace");
    const lease = site.lease(60_000, "kill");
    const pid = await site.sleeper(lease);
    site.renew(lease, 0, "kill");
    await until("its end", () => !isAlive(pid), longMs);
    await until("its exit", () => site.exitOf(lease).includes('"signal":9'), longMs);
  });

  it("continue: it is left alone", async () => {
    await site.watch("--replace");
    const lease = site.lease(60_000, "continue");
    const pid = await site.sleeper(lease);
    site.renew(lease, 0, "continue");
    const other = site.lease(60_000);
    const frozenPid = await site.sleeper(other);
    site.renew(other, 0);
    await frozen(frozenPid);
    expect(isFrozen(pid)).toBe(false);
  });
});

describe("what is started after the deadline", () => {
  it("waits for a later one before its first instruction", async () => {
    await site.watch("--replace");
    const lease = site.lease(-1_000);
    const begun = site.sleeper(lease);
    await until("the shim", () => existsSync(join(site.dir, "spool", lease, "rank-0/pid")), longMs);
    // The time in which it would have begun.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(existsSync(join(site.dir, `pid-${lease}-0`))).toBe(false);
    site.renew(lease, 60_000);
    expect(isAlive(await begun)).toBe(true);
  });

  it("is not started at all when the lease is gone", async () => {
    const lease = site.lease(60_000);
    rmSync(site.fences.path(lease));
    const child = site.rank(lease, "echo ran");
    await until("its end", () => child.exitCode !== null, longMs);
    expect(site.exitOf(lease)).toContain('"code":137');
  });
});

describe("the watchdog", () => {
  it("is one for each folder, and a new agent's takes over from the one before", async () => {
    const first = await site.watch("--replace");
    const second = await site.watch();
    await until("the end of the second", () => second.exitCode === 0);
    const third = await site.watch("--replace");
    await until("the end of the first", () => first.signalCode === "SIGKILL");
    expect(site.watchdogs()).toEqual([third.pid]);
  });

  it("that is replaced leaves no freeze behind that nobody undoes", async () => {
    const first = await site.watch("--replace");
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    site.renew(lease, 0);
    await frozen(pid);
    first.kill("SIGSTOP");
    site.renew(lease, 60_000);
    await site.watch("--replace");
    await goesOn(pid);
  });

  it("that is killed or stopped is replaced by a shim, and freezes as before", async () => {
    const child = await site.watch("--replace");
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    child.kill("SIGKILL");
    const [healed = 0] = await until("another", () => site.watchdogs().length === 1 && site.watchdogs(), longMs);
    expect(healed).not.toBe(child.pid);
    // One that has not taken the lock yet is nobody's watchdog, and nobody misses it.
    await until("its lock", () => readFileSync("/proc/locks", "utf8").includes(` ${healed} `), longMs);
    process.kill(healed, "SIGSTOP");
    await until("a third", () => site.watchdogs().length === 1 && !site.watchdogs().includes(healed), longMs);
    site.renew(lease, 0);
    await frozen(pid);
  });

  it("stays small, and ends when there is nothing to watch", async () => {
    const child = await site.watch("--replace");
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    site.renew(lease, 0);
    await frozen(pid);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    expect(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThanOrEqual(2_048);
    child.stdin?.end();
    // An agent that is gone does not end it while a lease is there.
    site.renew(lease, 60_000);
    await goesOn(pid);
    process.kill(pid, "SIGKILL");
    site.fences.remove(lease);
    await until("its end", () => child.exitCode === 0, longMs);
  });
});
