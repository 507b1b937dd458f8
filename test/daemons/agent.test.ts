import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentSite, isAlive, stateOf } from "../fakes/agent-site.js";
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

describe("a job of one rank", () => {
  it("runs to its end and leaves nothing on the node", async () => {
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: "exit 7" }] });
    coordinator.grant(grant);
    expect(await site.story(grant.leaseId, "done")).toEqual(["ready", "rankExited 7", "done"]);
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
    await until("an empty spool", () => readdirSync(join(dir, "spool")).length === 0);
  });

  it("gives it the lease's environment and nothing of the agent's own", async () => {
    const grant = makeGrant({
      ranks: [
        {
          rank: 0,
          commandLine: `env > "$MARKS/env"; pwd > "$MARKS/pwd"; cat "$AZ_BATCHAI_MPI_HOST_FILE" > "$MARKS/hosts"`,
          environment: [{ name: "RANK", value: "r$BASE" }],
        },
      ],
      hostFile: "n1 slots=1\n",
      environment: [
        { name: "BASE", value: "${AZ_BATCHAI_JOB_TEMP}/x$UNDEFINED" },
        { name: "MARKS", value: dir },
        { name: "STOKER_LEASE", value: "not for the user to say" },
      ],
      secrets: [{ name: "PASSWORD", value: "a$BASE" }],
    });
    process.env.STOKER_TOKEN = "not for jobs";
    coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    delete process.env.STOKER_TOKEN;
    const environment = readFileSync(join(dir, "env"), "utf8").split("\n");
    const temp = join(dir, "jobs", grant.jobPathSegment);
    expect(environment).toEqual(
      expect.arrayContaining([
        `AZ_BATCHAI_JOB_TEMP=${temp}`,
        `AZ_BATCHAI_JOB_TEMP_DIR=${join(dir, "jobs")}`,
        `AZ_BATCHAI_MOUNT_ROOT=${join(dir, "mounts")}`,
        `AZ_BATCHAI_JOB_MOUNT_ROOT=${join(dir, "job-mounts", grant.jobPathSegment)}`,
        `BASE=${temp}/x`,
        `RANK=r${temp}/x`,
        "PASSWORD=a$BASE",
        `STOKER_LEASE=${grant.leaseId}`,
      ]),
    );
    expect(environment.filter((line) => line.startsWith("STOKER_TOKEN"))).toEqual([]);
    expect(readFileSync(join(dir, "pwd"), "utf8").trim()).toBe(temp);
    expect(readFileSync(join(dir, "hosts"), "utf8")).toBe("n1 slots=1\n");
  });

  it("is started once, however often it is granted", async () => {
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: `echo x >> ${dir}/starts` }] });
    coordinator.grant(grant);
    coordinator.grant(grant);
    coordinator.tell({ case: "startRanks", value: { leaseId: grant.leaseId } });
    await site.story(grant.leaseId, "done");
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
    coordinator.grant(grant);
    const other = makeGrant();
    coordinator.grant(other);
    await site.story(other.leaseId, "done");
    expect(readFileSync(join(dir, "starts"), "utf8")).toBe("x\n");
  });

  it("is refused when a newer attempt is known, and an older one makes room", async () => {
    const first = makeGrant({ ranks: [site.sleeper("old")] });
    const second = makeGrant({
      jobUuid: first.jobUuid,
      attempt: 2,
      ranks: [{ rank: 0, commandLine: `kill -0 $(cat ${dir}/old) 2>${dir}/gone` }],
    });
    coordinator.grant(first);
    await site.pidOf("old");
    coordinator.grant(second);
    expect(await site.story(second.leaseId, "done")).toContain("rankExited 1");
    expect(coordinator.story(first.leaseId)).toContain("done");
    coordinator.grant(first);
    expect(readFileSync(join(dir, "gone"), "utf8")).toContain("No such process");
  });

  it("fails in words when job preparation does, and its rank is not started", async () => {
    const grant = makeGrant({
      preparationCommandLine: "echo no such thing >&2; exit 3",
      ranks: [site.sleeper("never")],
    });
    coordinator.grant(grant);
    expect(await site.story(grant.leaseId, "done")).toEqual(["failed JobPreparationFailed 3", "done"]);
    const [report] = coordinator.reports(grant.leaseId);
    expect(report?.event.case === "failed" && report.event.value.error?.details[0]?.value).toBe("no such thing");
    expect(existsSync(join(dir, "never"))).toBe(false);
  });

  it("waits for the gang after its preparation", async () => {
    const grant = makeGrant({ startWhenReady: false, preparationCommandLine: "true" });
    coordinator.grant(grant);
    expect(await site.story(grant.leaseId, "ready")).toEqual(["ready"]);
    coordinator.tell({ case: "startRanks", value: { leaseId: grant.leaseId } });
    expect(await site.story(grant.leaseId, "done")).toEqual(["ready", "rankExited 0", "done"]);
  });

  it("gets its directories and an execution log, and earlier std files keep the number of their attempt", async () => {
    const std = join(dir, "std");
    mkdirSync(std);
    writeFileSync(join(std, "stdout.txt"), "of attempt 1");
    const grant = makeGrant({
      attempt: 2,
      environment: [{ name: "PLACE", value: join(dir, "place") }],
      directories: ["$PLACE/a/b"],
      stdDirectory: std,
      executionLogName: "execution.log",
      ranks: [
        {
          rank: 0,
          commandLine: `cd $PLACE/a/b && cp $(dirname $AZ_BATCHAI_JOB_TEMP)/../../../../../../spool/*/execution.log .`,
          stdoutName: "stdout.txt",
        },
      ],
    });
    coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    expect(readFileSync(join(std, "stdout.attempt-1.txt"), "utf8")).toBe("of attempt 1");
    expect(existsSync(join(std, "stdout.txt"))).toBe(false);
    expect(readFileSync(join(dir, "place/a/b/execution.log"), "utf8")).toContain("attempt 2 of workspaces/w");
  });
});

describe("the end", () => {
  it("comes to every descendant, double forks and sessions of their own included", async () => {
    const detach = `setsid bash -c 'exec -a hidden bash -c "echo \\$\\$ > ${dir}/hidden; exec sleep 600"' & disown; while [ ! -s ${dir}/hidden ]; do sleep 0.01; done`;
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: `(${detach})` }] });
    coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    expect(isAlive(await site.pidOf("hidden"))).toBe(false);
  });

  it("is asked for first, and forced after the grace", async () => {
    const grant = makeGrant({
      killGraceSeconds: 1,
      ranks: [site.stubborn("polite"), { ...site.sleeper("weak"), rank: 1 }],
    });
    coordinator.grant(grant);
    const [strong, weak] = [await site.pidOf("polite"), await site.pidOf("weak")];
    coordinator.stopLease(grant.leaseId, true);
    await until("the end of one that obeys", () => !isAlive(weak));
    expect(isAlive(strong)).toBe(true);
    expect((await site.story(grant.leaseId, "done")).sort()).toContain("rankExited 137");
    expect(isAlive(strong)).toBe(false);
  });

  it("is at once when it need not be graceful", async () => {
    const grant = makeGrant({ killGraceSeconds: 3_600, ranks: [site.stubborn("stubborn")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("stubborn");
    coordinator.stopLease(grant.leaseId, false);
    await site.story(grant.leaseId, "done");
    expect(isAlive(pid)).toBe(false);
  });

  it("comes to what a killed shim has left, and is told as a kill", async () => {
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: `setsid sleep 600 & echo $! > ${dir}/orphan; wait` }] });
    coordinator.grant(grant);
    const orphan = await site.pidOf("orphan");
    const shim = readFileSync(join(dir, "spool", grant.leaseId, "rank-0/pid"), "utf8").split(" ")[0];
    process.kill(Number(shim), "SIGKILL");
    expect(await site.story(grant.leaseId, "done")).toContain("rankExited 137");
    expect(isAlive(orphan)).toBe(false);
  });
});

describe("a lease that is not renewed", () => {
  beforeEach(async () => {
    coordinator.ttlMs = 1_500;
    coordinator.hangUp();
    await until("the session's end", () => !coordinator.connected);
    await until("a session", () => coordinator.connected);
  });

  it("freezes its processes and thaws them when it is still ours", async () => {
    const grant = makeGrant({ ttlMs: 1_500n, ranks: [site.sleeper("cold")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("cold");
    coordinator.stop();
    await until("a frozen process", () => stateOf(pid) === "T");
    await site.restartCoordinator();
    await until("a process that goes on", () => stateOf(pid) === "S");
    expect(coordinator.hellos.at(-1)?.leases).toMatchObject([{ leaseId: grant.leaseId, frozen: true }]);
    coordinator.stopLease(grant.leaseId, false);
    await site.story(grant.leaseId, "done");
  });

  it("kills them when another attempt took its place", async () => {
    const grant = makeGrant({ ttlMs: 1_500n, ranks: [site.stubborn("cold")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("cold");
    coordinator.stop();
    await until("a frozen process", () => stateOf(pid) === "T");
    coordinator.kept = [];
    await site.restartCoordinator();
    await until("its end", () => !isAlive(pid));
    await site.story(grant.leaseId, "done");
  });

  it("also when the coordinator is there but says nothing", async () => {
    const grant = makeGrant({ ttlMs: 1_500n, ranks: [site.sleeper("cold")] });
    coordinator.grant(grant);
    const pid = await site.pidOf("cold");
    coordinator.answering = false;
    coordinator.kept = [];
    await until("its end", () => !isAlive(pid), 15_000);
  });
});

describe("nonsense from the other side", () => {
  it("is refused and changes nothing", async () => {
    coordinator.grant(makeGrant({ leaseId: "../../etc/passwd" }));
    coordinator.grant(makeGrant({ jobPathSegment: "../../../etc" }));
    coordinator.grant(makeGrant({ ttlMs: 0n }));
    coordinator.grant(makeGrant({ ranks: [{ rank: 1 }, { rank: 1 }] }));
    coordinator.tell({ case: undefined });
    coordinator.tell({ case: "startRanks", value: { leaseId: "nobody" } });
    coordinator.stopLease("0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.1", true);
    coordinator.tell({ case: "reportAck", value: { leaseId: "", sequence: -5n } });
    coordinator.tell({ case: "heartbeatReply", value: { sequence: 999n, renewedLeaseIds: ["x"] } });
    coordinator.tell({ case: "welcome", value: { leaseTtlMs: 1n } });
    const grant = makeGrant();
    coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    expect(coordinator.hellos).toHaveLength(1);
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
    await until("an empty spool", () => readdirSync(join(dir, "spool")).length === 0);
  });
});
