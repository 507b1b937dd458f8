import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { SmallDisk } from "../fakes/small-disk.js";

const mebibyte = 2 ** 20;

async function coordinatorOn(disk?: SmallDisk, flags: string[] = []): Promise<CoordinatorProcess> {
  const coordinator = new CoordinatorProcess(disk);
  onTestFinished(() => coordinator.dispose());
  expect(await coordinator.start(flags)).toBe("ready");
  await coordinator.furnish();
  return coordinator;
}

const names = async (coordinator: CoordinatorProcess) =>
  (await coordinator.jobs.listJobs(inExperiment)).jobs.map(({ name }) => name);
const submit = (coordinator: CoordinatorProcess, name: string) =>
  coordinator.jobs.createJob({ ...inExperiment, name, spec: tinyJob() });

/** Submits until one is refused: what was acknowledged before, and the refusal. */
async function fillUp(coordinator: CoordinatorProcess): Promise<{ taken: string[]; refused: string }> {
  const taken: string[] = [];
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const name = `more-${taken.length}`;
    const refused = await submit(coordinator, name).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined) return { taken, refused };
    taken.push(name);
  }
  throw new Error("no job was refused");
}

async function submitWhenTaken(coordinator: CoordinatorProcess, name: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    try {
      await submit(coordinator, name);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("a coordinator whose disk is full", () => {
  it("takes no new job, brings what runs to its end, and goes on when there is room", async () => {
    const disk = await SmallDisk.make(64 * mebibyte);
    const coordinator = await coordinatorOn(disk, ["--disk-reserve", "16MiB"]);
    const agent = new FakeAgent(coordinator.address, coordinator.token);
    onTestFinished(() => agent.close());
    agent.hello("n1");
    await agent.hears("welcome");
    await submit(coordinator, "first");
    const { leaseId } = await agent.hears("grant");

    disk.fill();
    const before = await fillUp(coordinator);
    expect(before.refused).toContain("make room");
    await expect(submit(coordinator, "refused")).rejects.toMatchObject({ code: "resource-exhausted" });
    // Its lease goes on, and its end is written down with what is kept in reserve.
    agent.heartbeat();
    await agent.hears("heartbeatReply");
    agent.send({ case: "report", value: { leaseId, sequence: 1n, event: { case: "ready", value: {} } } });
    agent.send({
      case: "report",
      value: { leaseId, sequence: 2n, event: { case: "rankExited", value: { rank: 0, exitCode: 0 } } },
    });
    agent.send({ case: "report", value: { leaseId, sequence: 3n, event: { case: "done", value: {} } } });
    await agent.hears("reportAck", ({ sequence }) => sequence === 3n);
    expect(coordinator.output.split('"level":50').length).toBeLessThan(5);

    // Even so, what was acknowledged outlives it.
    await coordinator.end("SIGKILL");
    expect(await coordinator.start(["--disk-reserve", "16MiB"])).toBe("ready");
    const { job } = await coordinator.jobs.getJob({ id: "workspaces/w/experiments/e/jobs/first" });
    expect(job?.executionInfo?.exitCode).toBe(0);
    await expect(submit(coordinator, "refused")).rejects.toMatchObject({ code: "resource-exhausted" });

    disk.makeRoom();
    await submitWhenTaken(coordinator, "later");
    expect(await names(coordinator)).toEqual(["first", ...before.taken, "later"]);
  });

  it("is read-only when its reserve is used up as well", async () => {
    const disk = await SmallDisk.make(64 * mebibyte);
    const coordinator = await coordinatorOn(disk, ["--disk-reserve", "1"]);
    await submit(coordinator, "first");
    disk.fill();
    const { taken, refused } = await fillUp(coordinator);
    expect(refused).toContain("read-only");
    // Reads go on, and show what was acknowledged.
    const queued = taken.at(-1) ?? "first";
    const why = await coordinator.jobs.explainJob({ id: `workspaces/w/experiments/e/jobs/${queued}` });
    expect(why.summary).toMatch(/^no job can be started: /);
    expect(why.reasons[0]?.check).toBe("read-only");
    expect(await names(coordinator)).toEqual(["first", ...taken]);
    disk.makeRoom();
    await submitWhenTaken(coordinator, "later");
    expect(await names(coordinator)).toEqual(["first", ...taken, "later"]);
    expect(coordinator.output.match(/commit failed/g)?.length).toBeLessThan(5);
  });
});

describe("a catalog after a crash", () => {
  it("has everything that was acknowledged when the end of its log is torn", async () => {
    const coordinator = await coordinatorOn();
    await submit(coordinator, "kept");
    const log = join(coordinator.dataDir, "catalog.db-wal");
    const acknowledged = statSync(log).size;
    await submit(coordinator, "torn");
    await coordinator.end("SIGKILL");
    const saved = ["catalog.db", "catalog.db-wal"].map((name) => join(coordinator.dataDir, name));
    for (const path of saved) copyFileSync(path, `${path}.saved`);
    const whole = statSync(log).size;
    expect(whole).toBeGreaterThan(acknowledged);
    // The last commit as a power cut may leave it: short, or with other bytes in it.
    const cuts = [acknowledged, acknowledged + 1, whole - 4096, whole - 1].filter((size) => size >= acknowledged);
    for (const size of cuts) {
      restore();
      truncateSync(log, size);
      expect(await kept()).toEqual(["kept"]);
    }
    restore();
    overwrite(log, whole - 100, "torn");
    expect(await kept()).toEqual(["kept"]);
    restore();
    expect(await kept()).toEqual(["kept", "torn"]);

    function restore(): void {
      for (const path of saved) copyFileSync(`${path}.saved`, path);
      rmSync(join(coordinator.dataDir, "catalog.db-shm"), { force: true });
    }
    async function kept(): Promise<string[]> {
      expect(await coordinator.start()).toBe("ready");
      const found = await names(coordinator);
      await coordinator.end("SIGKILL");
      return found;
    }
  });

  it("is refused with the next step when its pages are damaged", async () => {
    const coordinator = await coordinatorOn();
    await submit(coordinator, "first");
    await coordinator.end("SIGTERM");
    const path = join(coordinator.dataDir, "catalog.db");
    expect(existsSync(`${path}-wal`)).toBe(false);
    for (let at = 4096; at < readFileSync(path).length; at += 4096) overwrite(path, at, "damaged".repeat(20));
    expect(await coordinator.start()).toBe(78);
    expect(coordinator.output).toContain("catalog.db is damaged");
    expect(coordinator.output).toContain("restore it from a backup");
  });
});

function overwrite(path: string, at: number, text: string): void {
  const file = openSync(path, "r+");
  writeSync(file, text, at);
  closeSync(file);
}
