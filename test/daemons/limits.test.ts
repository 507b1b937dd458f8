import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { LeaseLimits } from "../../agent/limits/lease-limits.js";
import { hierarchies } from "../../agent/limits/version-1.js";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import type { AgentSite } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { strangersSite } from "../fakes/strangers-site.js";

const shimPath = resolve(import.meta.dirname, "../../dist/stoker-shim");
const log = pino({ level: "silent" });
const isRoot = process.getuid?.() === 0;

/** What this machine lets us divide. */
const old = isRoot ? hierarchies(["memory", "pids", "devices"], "stoker-test-") : {};

/** A folder below which control groups of version 2 can be made; they need no controllers for devices. */
function unified(): string | undefined {
  const places = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
  return places.find(
    (place) => existsSync(join(place, "cgroup.procs")) && existsSync(join(place, "cgroup.controllers")),
  );
}

const lease = (): LeaseId => {
  const id = parseLeaseId(makeGrant().leaseId);
  return id?.lease ?? expect.fail("no lease");
};

/** GPUs by their driver's words, and device files that stand for them. */
function gpusIn(dir: string): void {
  for (const minor of [0, 1]) {
    mkdirSync(join(dir, "gpus", `0000:0${minor}:00.0`), { recursive: true });
    const text = `Model: \t\t Test\nGPU UUID: \t GPU-${minor}\nDevice Minor: \t ${minor}\n`;
    writeFileSync(join(dir, "gpus", `0000:0${minor}:00.0`, "information"), text);
  }
  for (const minor of [0, 1, 255]) execFileSync("mknod", [join(dir, `gpu${minor}`), "c", "195", String(minor)]);
}

/** What a process in the groups is told when it opens each: EPERM where it may not, ENXIO where there is no such GPU in truth. */
function openedFrom(groups: readonly string[], dir: string): string[] {
  const join_ = groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join("; ");
  const open = [0, 1, 255].map((minor) => `cat ${dir}/gpu${minor}`).join("; ");
  const said = execFileSync(
    "/bin/sh",
    ["-c", `${join_}; { ${open}; cat /dev/null && echo null: fine >&2; } 2>&1; true`],
    {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    },
  );
  return said
    .trim()
    .split("\n")
    .map((line) => line.replace(/^.*: /, ""));
}

const denied = "Operation not permitted";
const allowed = expect.stringMatching(/No such device|No such file|Input\/output/);

describe.skipIf(!isRoot)("GPUs of others", () => {
  let dir: string;
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it.skipIf(!unified())("can't be opened from a lease's control group of version 2", async () => {
    dir = mkdtempSync(join(tmpdir(), "stoker-devices-"));
    gpusIn(dir);
    const group = join(unified() ?? "", `stoker-test-${process.pid}`);
    mkdirSync(group);
    try {
      const host = { data: dir, shimPath, groups: group, wanted: true, machineCpus: 2, gpuFolder: join(dir, "gpus") };
      const limits = new LeaseLimits(host, log);
      const mine = join(group, "mine");
      mkdirSync(mine);
      await limits.prepare(lease(), mine, { cpus: 1, memoryBytes: 0, gpuUuids: ["GPU-1"] });
      expect(limits.words.devices).toContain("cgroup v2");
      expect(openedFrom([mine], dir)).toEqual([denied, allowed, allowed, "fine"]);
      rmdirSync(mine);
    } finally {
      rmdirSync(group);
    }
  });

  it.skipIf(!old.devices)("can't be opened from a lease's control group of version 1", async () => {
    dir = mkdtempSync(join(tmpdir(), "stoker-devices-"));
    gpusIn(dir);
    const host = { data: dir, shimPath, groups: undefined, wanted: true, machineCpus: 2, gpuFolder: join(dir, "gpus") };
    const limits = new LeaseLimits(host, log);
    const id = lease();
    const groups = await limits.prepare(id, undefined, { cpus: 1, memoryBytes: 0, gpuUuids: ["GPU-0"] });
    expect(openedFrom(groups, dir)).toEqual([allowed, denied, allowed, "fine"]);
    limits.remove(id);
    for (const group of groups) expect(existsSync(group)).toBe(false);
  });
});

describe.skipIf(!old.memory)("a job's limits", { timeout: 60_000 }, () => {
  let site: AgentSite;
  afterEach(() => site.stop());

  it("end what takes more memory than it was granted, tell that as the reason, and leave no group", async () => {
    site = await strangersSite({ limits: "on" });
    const grant = makeGrant({
      ...{ submittedBy: "alice", memoryBytes: 64n << 20n },
      ranks: [{ rank: 0, commandLine: "perl -e '$x = q(x) x 400_000_000; print length $x'" }],
    });
    site.coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    const exit = site.coordinator.reports(grant.leaseId).find(({ event }) => event.case === "rankExited")?.event.value;
    expect(exit).toMatchObject({ signal: 9, diagnosis: { rule: "memory-limit", faultClass: "user" } });
    for (const folder of Object.values(old)) {
      expect(readdirSync(folder).filter((name) => name.includes(grant.leaseId))).toEqual([]);
    }
  });

  it("are those of the lease's processes, and of no others", async () => {
    site = await strangersSite({ limits: "on" });
    const out = site.path("group");
    writeFileSync(out, "", { mode: 0o666 });
    execFileSync("chmod", ["666", out]);
    const grant = makeGrant({
      ...{ submittedBy: "alice", memoryBytes: 1n << 30n, cpus: 1 },
      ranks: [{ rank: 0, commandLine: `cat /proc/self/cgroup > ${out}` }],
    });
    site.coordinator.grant(grant);
    await site.story(grant.leaseId, "done");
    const lines = readFileSync(out, "utf8").split("\n");
    for (const controller of ["memory", "pids"])
      expect(lines.find((line) => line.includes(`:${controller}:`))).toContain(grant.leaseId);
    expect(readFileSync("/proc/self/cgroup", "utf8")).not.toContain(grant.leaseId);
  });
});
