import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AgentSite } from "../fakes/agent-site.js";
import { canMount } from "../fakes/can-mount.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { strangersSite } from "../fakes/strangers-site.js";
import { until } from "../fakes/until.js";

const mebibyte = 2 ** 20;
const reserve = 8 * mebibyte;

/** With all that the agent keeps on a disk of its own, which accounts of jobs can reach. */
async function siteOn(bytes: number): Promise<AgentSite> {
  const dir = mkdtempSync(join(tmpdir(), "stoker-hog-"));
  expect(spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=755`, "tmpfs", dir]).status).toBe(0);
  onTestFinished(() => {
    spawnSync("umount", ["-l", dir]);
    rmSync(dir, { recursive: true, force: true });
  });
  const site = await strangersSite({}, { dir, diskReserve: reserve });
  onTestFinished(() => site.stop());
  return site;
}

function unhealthy({ coordinator }: AgentSite): string | undefined {
  const beat = coordinator.messages.findLast(({ case: kind }) => kind === "heartbeat");
  return beat?.case === "heartbeat" ? beat.value.unhealthyReason : undefined;
}

const freeBytes = ({ dir }: AgentSite) => {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
};

/** Everything that is stored below a folder. */
function bytesIn(folder: string): number {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).reduce((sum, { parentPath, name }) => sum + sizeOf(parentPath, name), 0);
}

function sizeOf(folder: string, name: string): number {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
}

const job = (submittedBy: string, commandLine: string, given: Parameters<typeof makeGrant>[0] = {}) =>
  makeGrant({ submittedBy, ranks: [{ rank: 0, commandLine }], ...(given as object) });

describe.skipIf(process.getuid?.() !== 0 || !canMount)("a rank that fills the disk", { timeout: 60_000 }, () => {
  it("with files in its /tmp and its job's temp takes nothing from the agent or its neighbours, and leaves nothing", async () => {
    const site = await siteOn(48 * mebibyte);
    await until("a healthy heartbeat", () => unhealthy(site) === "");
    // Outside the disk, and not in /tmp, which is another for jobs.
    const marks = mkdtempSync("/dev/shm/stoker-hog-marks-");
    onTestFinished(() => rmSync(marks, { recursive: true, force: true }));
    spawnSync("chmod", ["1777", marks]);
    const neighbour = job("bob", `until [ -e ${marks}/go ]; do echo beat > ${marks}/beat; sleep 0.02; done; exit 7`);
    site.coordinator.grant(neighbour);
    const beats = () => existsSync(join(marks, "beat"));
    await until("the neighbour runs", beats);
    const fill = (path: string) => `head -c ${64 * mebibyte} /dev/zero > ${path}`;
    const hog = job(
      "alice",
      `${fill("/tmp/a")} 2> /dev/null; echo $? > ${marks}/tmp; ${fill("$AZ_BATCHAI_JOB_TEMP/b")} 2> /dev/null; echo $? > ${marks}/temp; until [ -e ${marks}/end ]; do sleep 0.02; done`,
    );
    site.coordinator.grant(hog);
    await until(
      "it got all that there was",
      () => existsSync(join(marks, "temp")) && readFileSync(join(marks, "temp"), "utf8"),
    );
    expect(readFileSync(join(marks, "tmp"), "utf8")).toBe("1\n");
    expect(freeBytes(site)).toBe(0);
    await until("the node says that it has no room", () => unhealthy(site)?.includes("make room"));

    // The neighbour goes on, and so does the agent: over a restart, and with ends to write down.
    rmSync(join(marks, "beat"));
    await until("the neighbour still runs", beats);
    await site.agent.stop();
    await site.startAgain();
    expect(
      site.coordinator.hellos
        .at(-1)
        ?.leases.map(({ leaseId }) => leaseId)
        .sort(),
    ).toEqual([neighbour.leaseId, hog.leaseId].sort());
    writeFileSync(join(marks, "go"), "");
    expect(await site.story(neighbour.leaseId, "done")).toContain("rankExited 7");

    // It ends by the coordinator's word, and its files with it.
    site.coordinator.stopLease(hog.leaseId, true);
    await site.story(hog.leaseId, "done");
    await until("its /tmp is gone", () => readdirSync(site.path("tmp")).length === 0);
    const next = job("bob", "true");
    await until("there is room again", () => unhealthy(site) === "");
    site.coordinator.grant(next);
    expect(await site.story(next.leaseId, "done")).toContain("rankExited 0");
    await until("its job's temp is gone", () => !existsSync(site.path("jobs", hog.jobPathSegment)));
    await until("nor is it kept elsewhere", () => freeBytes(site) > 44 * mebibyte - reserve);
  });

  it("with output gets no further than its logLimit", async () => {
    const site = await siteOn(64 * mebibyte);
    const limit = 2 * mebibyte;
    const written = 40 * mebibyte;
    const hog = job(
      "alice",
      `head -c ${written} /dev/zero; head -c ${written} /dev/zero >&2; until [ -e ${site.dir}/end ]; do sleep 0.02; done`,
      {
        logLimitBytes: BigInt(limit),
      },
    );
    site.coordinator.grant(hog);
    let most = 0;
    await until("all of it was written", () => {
      most = Math.max(most, bytesIn(site.path("spool")));
      return most >= limit;
    });
    writeFileSync(join(site.dir, "end"), "");
    await site.story(hog.leaseId, "done");
    most = Math.max(most, bytesIn(site.path("spool")));
    // The end is kept beside it, and what the shim writes down.
    expect(most).toBeLessThan(2 * limit + mebibyte);
    expect(unhealthy(site)).toBe("");
    const exit = site.coordinator.reports(hog.leaseId).find(({ event }) => event.case === "rankExited")?.event;
    const { stdoutBytes = 0n, stdoutDroppedBytes = 0n } = exit?.case === "rankExited" ? exit.value : {};
    expect(Number(stdoutDroppedBytes)).toBeGreaterThan(written - 2 * limit);
    expect(Number(stdoutBytes)).toBeLessThan(2 * limit);
  });

  it("with the output of what it has other nodes start there gets no further than that either", async () => {
    const site = await siteOn(64 * mebibyte);
    const limit = 2 * mebibyte;
    const nodes = [
      { name: "n1", host: "n1" },
      { name: "n2", host: "n2" },
    ];
    const own = `head -c ${limit / 2} /dev/zero; echo up > ${site.dir}/marks/up; exec sleep 600`;
    mkdirSync(site.path("marks"));
    spawnSync("chmod", ["1777", site.path("marks")]);
    const hog = job("alice", own, { logLimitBytes: BigInt(limit), nodes });
    site.coordinator.grant(hog);
    await until("it runs", () => existsSync(site.path("marks/up")));
    const ended = () =>
      site.coordinator.messages.flatMap(({ case: kind, value }) => (kind === "remoteExit" ? [value.requestId] : []));
    for (const requestId of ["a", "b"].map((letter) => letter.repeat(32))) {
      const commandLine = `head -c ${20 * mebibyte} /dev/zero`;
      const start = { requestId, leaseId: hog.leaseId, commandLine, stdoutOffset: 0n, stderrOffset: 0n };
      site.coordinator.tell({ case: "remoteStart", value: start });
      await until("it has ended", () => ended().includes(requestId));
    }
    // With the end of each, which is kept beside it.
    expect(bytesIn(site.path("spool"))).toBeGreaterThan(limit);
    expect(bytesIn(site.path("spool"))).toBeLessThan(2 * limit + mebibyte);
    site.coordinator.stopLease(hog.leaseId, false);
    await site.story(hog.leaseId, "done");
  });
});
