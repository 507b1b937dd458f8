import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentSite, isAlive } from "../fakes/agent-site.js";
import type { FakeCoordinator } from "../fakes/coordinator.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

let site: AgentSite;
let dir: string;
let coordinator: FakeCoordinator;

beforeEach(async () => {
  site = await AgentSite.start();
  dir = site.dir;
  coordinator = site.coordinator;
});

afterEach(() => site.stop());

describe("another agent after this one", () => {
  it("takes up what runs and tells the exit that happened meanwhile", async () => {
    const grant = makeGrant({
      ranks: [{ rank: 0, commandLine: `echo $$ > ${dir}/long; while [ ! -e ${dir}/go ]; do sleep 0.02; done; exit 9` }],
    });
    const soon = makeGrant({
      ranks: [
        { rank: 0, commandLine: `echo $$ > ${dir}/short; while [ ! -e ${dir}/go-short ]; do sleep 0.02; done; exit 4` },
      ],
    });
    coordinator.grant(grant);
    coordinator.grant(soon);
    const [long, short] = [await site.pidOf("long"), await site.pidOf("short")];
    await site.agent.stop();
    writeFileSync(join(dir, "go-short"), "");
    await until("the short one's end", () => !isAlive(short));
    await site.startAgain();
    expect(await site.story(soon.leaseId, "done")).toContain("rankExited 4");
    expect(isAlive(long)).toBe(true);
    writeFileSync(join(dir, "go"), "");
    expect(await site.story(grant.leaseId, "done")).toContain("rankExited 9");
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
  });

  it("repeats what was not acknowledged, in order and with the same numbers", async () => {
    coordinator.acknowledging = false;
    const grant = makeGrant();
    coordinator.grant(grant);
    const told = await site.story(grant.leaseId, "done");
    await site.agent.stop();
    coordinator.messages.length = 0;
    coordinator.acknowledging = true;
    await site.startAgain();
    expect(await site.story(grant.leaseId, "done")).toEqual(told);
    expect(coordinator.reports(grant.leaseId).map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3]);
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
  });

  it("ends the processes of an entry that it can't read, before it speaks to the coordinator", async () => {
    const grant = makeGrant({ ranks: [site.stubborn("unknown")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("unknown");
    await site.agent.stop();
    writeFileSync(join(dir, "ledger", `${grant.leaseId}.json`), "");
    await site.startAgain();
    expect(isAlive(pid)).toBe(false);
    expect(coordinator.hellos[1]?.leases).toEqual([]);
  });

  it("ends the processes of a lease whose entry is gone, by what its folder is called", async () => {
    const grant = makeGrant({ ranks: [site.stubborn("forgotten")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("forgotten");
    await site.agent.stop();
    rmSync(join(dir, "ledger", `${grant.leaseId}.json`));
    await site.startAgain();
    expect(isAlive(pid)).toBe(false);
    expect(coordinator.hellos[1]?.leases).toEqual([]);
  });

  it("removes what an earlier one left in its spool", async () => {
    await site.agent.stop();
    mkdirSync(join(dir, "spool/0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.1/rank-0"), { recursive: true });
    await site.startAgain();
    await until("an empty spool", () => readdirSync(join(dir, "spool")).length === 0);
  });

  it("sets a torn entry aside and goes on", async () => {
    await site.agent.stop();
    writeFileSync(join(dir, "ledger", "0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.1.json"), "half a li");
    await site.startAgain();
    const grant = makeGrant();
    coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    await until("a ledger without the job that is over", () => readdirSync(join(dir, "ledger")).length === 1);
    expect(readdirSync(join(dir, "ledger"))).toEqual(["0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.1.json.unreadable"]);
  });
});
