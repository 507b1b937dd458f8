import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AgentSite, isAlive } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { SmallDisk } from "../fakes/small-disk.js";
import { temporaryFolder } from "../fakes/temporary-folder.js";
import { until } from "../fakes/until.js";

const mebibyte = 2 ** 20;

async function siteOn(disk: SmallDisk, diskReserve: number): Promise<AgentSite> {
  const site = await AgentSite.start({ dir: disk.dir, diskReserve });
  onTestFinished(() => site.stop());
  return site;
}

/** Of the newest heartbeat. */
function unhealthy({ coordinator }: AgentSite): string | undefined {
  const beat = coordinator.messages.findLast(({ case: kind }) => kind === "heartbeat");
  return beat?.case === "heartbeat" ? beat.value.unhealthyReason : undefined;
}

/** What was told with the end of the lease. */
function warningsOf({ coordinator }: AgentSite, leaseId: string): string[] {
  const done = coordinator.reports(leaseId).find(({ event }) => event.case === "done");
  return done?.event.case === "done" ? done.event.value.warnings : [];
}

describe("an agent whose disk is full", () => {
  it("says so, keeps what runs over a restart, and tells the end", async () => {
    const disk = await SmallDisk.make(32 * mebibyte);
    const site = await siteOn(disk, 8 * mebibyte);
    await until("a healthy heartbeat", () => unhealthy(site) === "");
    const grant = makeGrant({
      ranks: [
        {
          rank: 0,
          commandLine: `echo $$ > ${disk.dir}/pid; while [ ! -e ${disk.dir}/go ]; do sleep 0.02; done; exit 7`,
        },
      ],
    });
    site.coordinator.grant(grant);
    const pid = await site.pidOf("pid");
    // The name alone takes no room, and is there before the disk is full.
    writeFileSync(join(disk.dir, "soon"), "");
    disk.fill();
    await until("an unhealthy heartbeat", () => unhealthy(site)?.includes("make room"));
    // Nothing is written for a lease that was only renewed; its state is, with what is kept in reserve.
    await site.agent.stop();
    await site.startAgain();
    expect(isAlive(pid)).toBe(true);
    expect(site.coordinator.hellos.at(-1)?.leases).toMatchObject([{ leaseId: grant.leaseId }]);
    disk.makeRoom();
    writeFileSync(join(disk.dir, "go"), "");
    expect(await site.story(grant.leaseId, "done")).toContain("rankExited 7");
    await until("a healthy heartbeat", () => unhealthy(site) === "");
    await until("an empty ledger", () => readdirSync(join(disk.dir, "ledger")).length === 0);
  });

  it("tells the end of what runs though nothing at all can be written", async () => {
    const disk = await SmallDisk.make(16 * mebibyte);
    const site = await siteOn(disk, 0);
    const go = join(temporaryFolder("stoker-go-"), "go");
    const grant = makeGrant({
      ranks: [{ rank: 0, commandLine: `echo $$ > ${disk.dir}/pid; while [ ! -e ${go} ]; do sleep 0.02; done; exit 7` }],
    });
    site.coordinator.grant(grant);
    await site.pidOf("pid");
    disk.fill();
    writeFileSync(go, "");
    const story = await site.story(grant.leaseId, "done");
    expect(story.some((told) => told.startsWith("rankExited"))).toBe(true);
    expect(existsSync(join(disk.dir, "reserve"))).toBe(false);
  });

  it("tells with the end of a rank that failed that its disk was full", async () => {
    const disk = await SmallDisk.make(32 * mebibyte);
    const site = await siteOn(disk, 4 * mebibyte);
    const commandLine = `echo $$ > ${disk.dir}/pid; while [ ! -e ${disk.dir}/go ]; do sleep 0.02; done; exit 7`;
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine }] });
    site.coordinator.grant(grant);
    await site.pidOf("pid");
    writeFileSync(join(disk.dir, "go.soon"), "");
    disk.fill();
    renameSync(join(disk.dir, "go.soon"), join(disk.dir, "go"));
    await site.story(grant.leaseId, "done");
    expect(warningsOf(site, grant.leaseId).join()).toMatch(/the node's disk was full at the end: \d+ bytes free/);
  });

  it("refuses a lease that it can't write down, as its own fault", async () => {
    const disk = await SmallDisk.make(16 * mebibyte);
    const site = await siteOn(disk, 0);
    disk.fill();
    const grant = makeGrant();
    site.coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    const failed = site.coordinator.reports(grant.leaseId).find(({ event }) => event.case === "failed");
    const fault = failed?.event.case === "failed" ? failed.event.value.error : undefined;
    expect(fault?.code).toMatch(/^Node(StorageFailed|Unguarded)$/);
    disk.makeRoom();
    const later = makeGrant({ jobUuid: "22222222-5a57-4d3f-9d61-0a5b7f0c1d2e" });
    site.coordinator.grant(later);
    expect(await site.story(later.leaseId, "done")).toContain("rankExited 0");
  });
});
