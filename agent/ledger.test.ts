import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseLeaseId } from "../shared/ids.js";
import { exampleGrant } from "./core/example.js";
import { type LeaseRun, newRun } from "./core/lease-state.js";
import { Ledger } from "./ledger.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-ledger-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (boot = "boot") => new Ledger(dir, boot, (path) => rmSync(path));

const jobs = ["0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e", "11111111-5a57-4d3f-9d61-0a5b7f0c1d2e"] as const;

function runOf(jobUuid: string): LeaseRun {
  const grant = exampleGrant({ jobUuid, leaseId: `${jobUuid}.1`, memoryBytes: 2n ** 40n });
  const id = parseLeaseId(grant.leaseId);
  if (!id) throw new Error("not a lease id");
  const run = newRun(grant, id, 1, { phase: "preparing", step: "mounts" });
  return {
    ...run,
    ranks: new Map([[0, { state: "running", pid: 7 }]]),
    reports: [{ sequence: 1, time: 2, event: { type: "ready" } }],
  };
}

const nothingAside = (file: string, why: string) => {
  throw new Error(`${file}: ${why}`);
};

it.each([true, false])("gives back what was written (safe: %s)", async (safe) => {
  const ledger = open();
  const run = runOf(jobs[0]);
  await ledger.write(run, safe);
  expect(open().load(nothingAside)).toEqual([{ run, sameBoot: true }]);
  expect(open("later").load(nothingAside)).toMatchObject([{ sameBoot: false }]);
});

it("has written a soft state when it returns", async () => {
  const ledger = open();
  const run = runOf(jobs[0]);
  await ledger.write(run, true);
  expect(ledger.write({ ...run, nextSequence: 7 }, false)).toBeUndefined();
  expect(open().load(nothingAside)).toMatchObject([{ run: { nextSequence: 7, grant: run.grant } }]);
});

it("passes over a state that was being written when the power went", async () => {
  const ledger = open();
  const run = runOf(jobs[0]);
  const path = join(dir, `${run.id}.json`);
  await ledger.write(run, true);
  const whole = statSync(path).size;
  expect(ledger.write({ ...run, nextSequence: 7 }, false)).toBeUndefined();
  const second = readFileSync(path).subarray(whole);
  for (let size = second.length - 1; size > 0; size -= 7) {
    truncateSync(path, whole);
    appendFileSync(path, second.subarray(0, size));
    const aside: string[] = [];
    const later = open();
    expect(later.load((_, why) => aside.push(why))).toMatchObject([{ run: { nextSequence: 1 } }]);
    expect(aside).toHaveLength(1);
    expect(later.write({ ...run, nextSequence: 9 }, false)).toBeUndefined();
    expect(open().load(nothingAside)).toMatchObject([{ run: { nextSequence: 9 } }]);
  }
});

it("holds the newest of several writes, also when they overlap", async () => {
  const ledger = open();
  const run = runOf(jobs[0]);
  const writes = [1, 2, 3, 4].map((nextSequence) => ledger.write({ ...run, nextSequence }, nextSequence % 2 === 1));
  await Promise.all([...writes, ledger.write(runOf(jobs[1]), true)]);
  expect(
    open()
      .load(nothingAside)
      .map((stored) => stored.run.nextSequence)
      .sort(),
  ).toEqual([1, 4]);
});

it("forgets what is removed, even while it is being written", async () => {
  const ledger = open();
  const run = runOf(jobs[0]);
  await ledger.write(run, true);
  ledger.remove(run.id);
  expect(readdirSync(dir)).toEqual([]);
});

it("shows its secrets to nobody else", async () => {
  const run = runOf(jobs[0]);
  await open().write(run, true);
  expect(statSync(join(dir, `${run.id}.json`)).mode & 0o077).toBe(0);
});

it("sets aside what is torn, and reads the rest", async () => {
  const ledger = open();
  const [torn, whole] = [runOf(jobs[0]), runOf(jobs[1])];
  await Promise.all([ledger.write(torn, true), ledger.write(whole, true)]);
  const path = join(dir, `${torn.id}.json`);
  truncateSync(path, statSync(path).size - 20);
  writeFileSync(join(dir, "half.json.new"), "x");
  writeFileSync(join(dir, "empty.json"), "");
  const aside: string[] = [];
  const stored = open().load((file) => aside.push(file));
  expect(stored.map(({ run }) => run.id)).toEqual([whole.id]);
  expect(aside.sort()).toEqual([`${path}.unreadable`, join(dir, "empty.json.unreadable")].sort());
  expect(readdirSync(dir)).not.toContain("half.json.new");
});

it("says so when the disk refuses", async () => {
  const ledger = open();
  rmSync(dir, { recursive: true });
  await expect(ledger.write(runOf(jobs[0]), true)).rejects.toThrow("ENOENT");
  await expect(ledger.write(runOf(jobs[0]), false)).rejects.toThrow("ENOENT");
});

it("finds a changed byte", async () => {
  const run = runOf(jobs[0]);
  await open().write(run, true);
  const path = join(dir, `${run.id}.json`);
  writeFileSync(path, readFileSync(path, "utf8").replace('"running"', '"exited_"'));
  const aside: string[] = [];
  expect(open().load((file) => aside.push(file))).toEqual([]);
  expect(aside).toHaveLength(1);
});
