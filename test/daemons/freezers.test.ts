import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AgentProcess } from "../fakes/agent-process.js";
import { isAlive, stateOf } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";
import { isFrozen, processesOf, WatchSite } from "../fakes/watch-site.js";

const longMs = 30_000;
const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");

/** Where control groups of version 2 are, on a host that has only them or both. */
const root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(join(path, "cgroup.procs")));
const usable = root !== undefined && spawnSync(shim, ["freezer", root]).status === 0;

function makeGroup(): string {
  const group = join(root ?? "", `stoker-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(group);
  onTestFinished(() => {
    for (const name of readdirSync(group, { withFileTypes: true }))
      if (name.isDirectory()) rmdirSync(join(group, name.name));
    rmdirSync(group);
  });
  return group;
}

const countOf = (file: string) => (existsSync(file) ? statSync(file).size : 0);

/** Forks all the time, each from the child of the one before, without the lease's mark and in sessions of their own. */
const forker = (file: string) => `import os,time
end=time.time()+120
while time.time()<end:
    if os.fork(): os._exit(0)
    os.setsid()
    with open("${file}","a") as f: f.write(".")
`;

describe.each([
  ["SIGSTOP", false],
  ["cgroup v2", true],
] as const)("frozen by %s", (_, inGroup) => {
  it.skipIf(inGroup && !usable)("what forks all the time stands still, goes on, and is killed", async () => {
    const site = new WatchSite(inGroup ? makeGroup() : undefined);
    onTestFinished(() => site.stop());
    await site.watch("--replace");
    const lease = site.lease(60_000);
    const file = join(site.dir, "dots");
    const mark = `forker-${lease}`;
    const child = site.rank(
      lease,
      `for i in 1 2 3; do env -i /usr/bin/python3 -c '${forker(file)}' ${mark} & done; wait; sleep 600`,
    );
    await until("its forks", () => countOf(file) > 50, longMs);
    site.renew(lease, 0);
    await until("the mark", () => readFileSync(site.fences.path(lease), "latin1").includes("frozen"), longMs);
    const held = countOf(file);
    // The time of hundreds of forks.
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(countOf(file)).toBe(held);
    site.renew(lease, 60_000);
    await until("more forks", () => countOf(file) > held, longMs);
    site.renew(lease, 0);
    await until("the mark", () => readFileSync(site.fences.path(lease), "latin1").includes("frozen"), longMs);
    const group = site.fences.group(lease);
    expect(group !== undefined).toBe(inGroup);
    const words = ["kill", "--lease", lease, "--spool", join(site.dir, "spool")];
    const killed = spawnSync(shim, group === undefined ? words : [...words, "--cgroup", group]);
    expect(killed.status).toBe(0);
    await until("the shim's end", () => child.exitCode !== null, longMs);
    expect(site.exitOf(lease)).toContain('"signal":9');
    expect(processesOf([mark])).toEqual([]);
    site.fences.remove(lease);
    expect(group !== undefined && existsSync(group)).toBe(false);
  });
});

describe.skipIf(!usable)("a control group", () => {
  it("holds the rank and all it starts from the first instruction, and its shim is outside", async () => {
    const site = new WatchSite(makeGroup());
    onTestFinished(() => site.stop());
    const lease = site.lease(60_000);
    const pid = await site.sleeper(lease);
    const inside = readFileSync(join(site.fences.group(lease) ?? "", "cgroup.procs"), "utf8")
      .trim()
      .split("\n");
    expect(inside).toEqual([String(pid)]);
  });

  it("that a process has left does not save it", async () => {
    const site = new WatchSite(makeGroup());
    onTestFinished(() => site.stop());
    await site.watch("--replace");
    const lease = site.lease(60_000);
    const file = join(site.dir, "pid");
    site.rank(lease, `env -i sh -c 'echo $$ > ${root}/cgroup.procs; echo $$ > ${file}; exec sleep 600'`);
    const pid = await site.numberIn(file);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain("0::/\n");
    site.renew(lease, 0);
    await until("a stopped process", () => isFrozen(pid), longMs);
    site.renew(lease, 60_000);
    await until("one that goes on", () => stateOf(pid) === "S", longMs);
  });

  it("keeps what a killed shim leaves behind, without mark or parent, within reach", async () => {
    const site = new WatchSite(makeGroup());
    onTestFinished(() => site.stop());
    const lease = site.lease(60_000);
    const file = join(site.dir, "orphan");
    const child = site.rank(lease, `env -i setsid -f sh -c 'echo $$ > ${file}; exec sleep 600'; sleep 600`);
    const orphan = await site.numberIn(file);
    child.kill("SIGKILL");
    await until("the shim's end", () => child.signalCode !== null);
    expect(isAlive(orphan)).toBe(true);
    const words = ["kill", "--lease", lease, "--spool", join(site.dir, "spool")];
    expect(spawnSync(shim, [...words, "--cgroup", site.fences.group(lease) ?? ""]).status).toBe(0);
    expect(isAlive(orphan)).toBe(false);
  });

  it("is found by itself where systemd gave one to the service to divide, and not else", () => {
    const group = makeGroup();
    const ask = () =>
      spawnSync("sh", ["-c", `echo $$ > ${group}/cgroup.procs && exec ${shim} freezer auto`], { encoding: "utf8" })
        .stdout;
    expect(ask()).toMatch(/^signals .*Delegate=yes/);
    const marked = spawnSync("python3", ["-c", `import os; os.setxattr("${group}", "user.delegate", b"1")`]);
    expect(marked.status).toBe(0);
    expect(ask()).toBe(`cgroup ${group}\n`);
  });

  it("is made for each lease by the agent, which says so, and is gone after the lease", async () => {
    const group = makeGroup();
    const site = await AgentProcess.start(12_000, "--cgroup", group);
    onTestFinished(() => site.stop());
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: `echo $$ > ${site.dir}/pid; exec sleep 600` }] });
    site.coordinator.grant(grant);
    const rank = await site.pidIn("pid");
    expect(readFileSync(`/proc/${rank}/cgroup`, "utf8")).toContain(`/stoker-${grant.leaseId}\n`);
    const { messages } = site.coordinator;
    await until(
      "the freezer's name",
      () => messages.some(({ case: kind, value }) => kind === "heartbeat" && value.telemetry?.freezer === "cgroup v2"),
      longMs,
    );
    site.coordinator.stopLease(grant.leaseId, false);
    await until("done", () => site.coordinator.story(grant.leaseId).includes("done"), longMs);
    expect(isAlive(rank)).toBe(false);
    expect(readdirSync(group).filter((name) => name.startsWith("stoker-"))).toEqual([]);
  });
});

it("a folder that is no control group is refused when the agent starts", () => {
  const { status, stderr } = spawnSync(shim, ["freezer", "/tmp"], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain("/tmp: ");
});
