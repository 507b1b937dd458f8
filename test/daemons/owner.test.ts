import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Owner } from "../../agent/policy/owner.js";
import { AgentSite, stateOf } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

let site: AgentSite;

beforeEach(async () => {
  site = await AgentSite.start(undefined, async (dir) => {
    mkdirSync(`${dir}/sessions`);
    const places = { sessions: `${dir}/sessions`, proc: "/proc" };
    return { owner: new Owner(`${dir}/policy.yaml`, pino({ level: "silent" }), places) };
  });
});
afterEach(() => site.stop());

const write = (text: string) => writeFileSync(site.path("policy.yaml"), text);

const sit = () =>
  writeFileSync(site.path("sessions", "1"), "UID=1000\nUSER=carol\nSTATE=active\nCLASS=user\nSEAT=seat0\nREMOTE=0\n");

function lastTerms() {
  const beats = site.coordinator.messages.flatMap(({ case: kind, value }) => (kind === "heartbeat" ? [value] : []));
  return beats.at(-1)?.owner;
}

const frozenReasons = () =>
  site.coordinator.messages.flatMap(({ case: kind, value }) =>
    kind === "heartbeat" ? value.leases.filter(({ frozen }) => frozen).map(({ frozenReason }) => frozenReason) : [],
  );

describe("a machine's owner", { timeout: 60_000 }, () => {
  it("who sits down has the machine at once: what runs stands still though its lease is renewed, until they have gone", async () => {
    write("reclaim: { seat: true, quietMinutes: 0 }\n");
    const grant = makeGrant({ ranks: [site.sleeper("pid")] });
    site.coordinator.grant(grant);
    const pid = await site.pidOf("pid");
    sit();
    await until("it is stopped", () => stateOf(pid) === "T", 20_000);
    await until("the coordinator is told", () => lastTerms()?.wantedBack === true);
    expect(lastTerms()?.closed).toBe("its owner wants it: carol sits at it");
    await until("and why", () => frozenReasons().includes("the machine's owner wants it"));
    // Heartbeats that renew it come several times a second.
    const beats = site.coordinator.messages.length;
    await until("more heartbeats", () => site.coordinator.messages.length > beats + 10);
    expect(stateOf(pid)).toBe("T");
    rmSync(site.path("sessions", "1"));
    await until("it goes on", () => stateOf(pid) === "S", 20_000);
    site.coordinator.stopLease(grant.leaseId, false);
    await site.story(grant.leaseId, "done");
  });

  it("has it freed when the coordinator has moved what ran", async () => {
    write("reclaim: { seat: true }\n");
    const grant = makeGrant({ ranks: [site.sleeper("pid")] });
    site.coordinator.grant(grant);
    const pid = await site.pidOf("pid");
    sit();
    await until("it is stopped", () => stateOf(pid) === "T", 20_000);
    site.coordinator.stopLease(grant.leaseId, true);
    await site.story(grant.leaseId, "done");
    expect(stateOf(pid)).toBeUndefined();
  });

  it("is obeyed against the coordinator: what is granted nevertheless does not begin", async () => {
    write("users: { deny: [mallory] }\n");
    const denied = makeGrant({ submittedBy: "mallory", ranks: [site.sleeper("pid")] });
    site.coordinator.grant(denied);
    expect(await site.story(denied.leaseId, "done")).toEqual(["failed OwnerRefused", "done"]);
    const [failed] = site.coordinator.reports(denied.leaseId);
    expect(failed?.event.value).toMatchObject({ error: { message: "its owner lets no jobs of mallory run there" } });
    const other = makeGrant({ submittedBy: "alice" });
    site.coordinator.grant(other);
    expect(await site.story(other.leaseId, "done")).toContain("rankExited 0");
    write("hours: nonsense\n");
    const third = makeGrant({ submittedBy: "alice" });
    site.coordinator.grant(third);
    expect(await site.story(third.leaseId, "done")).toEqual(["failed OwnerRefused", "done"]);
  });
});
