import { randomBytes } from "node:crypto";
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
import { create, toJson } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EnvironmentVariableSchema } from "../shared/gen/stoker/v1/environment_pb.js";
import { ContainerPlanSchema, LeaseGrantSchema } from "../shared/gen/stoker/v1/lease_pb.js";
import { MountPlanSchema } from "../shared/gen/stoker/v1/mount_pb.js";
import { parseLeaseId } from "../shared/ids.js";
import { SmallDisk } from "../test/fakes/small-disk.js";
import { exampleGrant } from "./core/example.js";
import { type LeaseRun, newRun } from "./core/lease-state.js";
import { Ledger } from "./ledger.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-ledger-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const key = randomBytes(32);
const open = (id = "boot", inMemory: Buffer | null = key) =>
  new Ledger(dir, { id, key: inMemory ?? undefined }, (path) => rmSync(path));

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

/** Of every place in a grant that can hold one. */
function withSecrets(run: LeaseRun): LeaseRun {
  const azure = (accountKey: string) => ({ credentials: { accountKey } });
  const mount = (case_: "cifs" | "rclone", value: string) =>
    create(MountPlanSchema, { relativeMountPath: "m", kind: { case: case_, value: azure(value) } });
  const grant = {
    ...run.grant,
    secrets: [create(EnvironmentVariableSchema, { name: "PASSWORD", value: "secret-1" })],
    clusterMounts: [mount("cifs", "secret-2"), mount("rclone", "secret-3")],
    jobMounts: [create(MountPlanSchema, { kind: { case: "nfs", value: {} } }), mount("cifs", "secret-4")],
    container: create(ContainerPlanSchema, { image: "i", username: "u", password: "secret-5" }),
  };
  return { ...run, grant };
}

it("tells its secrets to nobody who has the disk alone", async () => {
  const run = withSecrets(runOf(jobs[0]));
  const path = join(dir, `${run.id}.json`);
  await open().write(run, true);
  expect(statSync(path).mode & 0o077).toBe(0);
  expect(readFileSync(path, "latin1")).not.toContain("secret-");
  expect(open().load(nothingAside)).toEqual([{ run, sameBoot: true }]);
});

it.each([
  ["another", randomBytes(32)],
  ["none", null],
])("with a later boot's key (%s) knows all of a lease but its secrets", async (_, later) => {
  const run = withSecrets(runOf(jobs[0]));
  await open().write(run, true);
  const [stored] = open("later", later).load(nothingAside);
  const { grant } = stored?.run ?? {};
  expect(stored?.sameBoot).toBe(false);
  expect(grant).toMatchObject({ leaseId: run.grant.leaseId, secrets: [], container: { username: "u", password: "" } });
  expect(grant?.jobMounts).toHaveLength(2);
  expect(JSON.stringify(toJson(LeaseGrantSchema, grant ?? run.grant))).not.toContain("secret-");
});

it("does not take up what it would run without its secrets", async () => {
  await open().write(withSecrets(runOf(jobs[0])), true);
  await open().write(runOf(jobs[1]), true);
  const aside: string[] = [];
  const stored = open("boot", randomBytes(32)).load((_, why) => aside.push(why));
  expect(stored.map(({ run }) => run.grant.jobUuid)).toEqual([jobs[1]]);
  expect(aside).toEqual(["the key that opens its secrets is gone from memory"]);
});

it("reads what an earlier agent wrote, and what was written where nothing is in memory", async () => {
  const run = withSecrets(runOf(jobs[0]));
  await open("boot", null).write(run, true);
  expect(open().load(nothingAside)).toEqual([{ run, sameBoot: true }]);
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

/** What is in the file after so many states, and where each record ends. */
async function written(states: number): Promise<{ run: LeaseRun; path: string; bytes: Buffer; ends: number[] }> {
  const ledger = open();
  const run = runOf(jobs[0]);
  const path = join(dir, `${run.id}.json`);
  await ledger.write({ ...run, nextSequence: 1 }, true);
  const ends = [statSync(path).size];
  for (let state = 2; state <= states; state++) {
    await ledger.write({ ...run, nextSequence: state }, state % 2 === 0);
    ends.push(statSync(path).size);
  }
  return { run, path, bytes: readFileSync(path), ends };
}

/** The number of the state that is found, 0 for none; whatever else is in the file. */
function found(path: string, bytes: Buffer): { state: number; said: number; ledger: Ledger } {
  for (const name of readdirSync(dir)) rmSync(join(dir, name));
  writeFileSync(path, bytes);
  const said: string[] = [];
  const ledger = open();
  const stored = ledger.load((_, why) => said.push(why));
  expect(stored.length).toBeLessThanOrEqual(1);
  return { state: stored[0]?.run.nextSequence ?? 0, said: said.length, ledger };
}

it("keeps every record before a tear, wherever the file ends, and goes on after it", async () => {
  const { run, path, bytes, ends } = await written(4);
  for (let length = 0; length <= bytes.length; length++) {
    const whole = ends.filter((end) => end <= length).length;
    const { state, said, ledger } = found(path, bytes.subarray(0, length));
    expect({ length, state }).toEqual({ length, state: whole });
    // Silent only where nothing is torn.
    expect({ length, said }).toEqual({ length, said: ends.includes(length) ? 0 : 1 });
    if (length % 50 > 0) continue;
    await ledger.write({ ...run, nextSequence: 9 }, false);
    expect(open().load(nothingAside)).toMatchObject([{ run: { nextSequence: 9, grant: run.grant } }]);
  }
});

it("never takes up what was not written, whatever byte is changed or block lost", async () => {
  const { path, bytes, ends } = await written(4);
  const damagedFrom = (at: number) => ends.filter((end) => end <= at).length;
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [1, 0x80, 0xff]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ change;
      const { state, said } = found(path, damaged);
      expect({ at, change, state }).toEqual({ at, change, state: damagedFrom(at) });
      expect(said).toBe(1);
    }
  }
  // Length written, contents not: what some file systems leave after a power cut.
  for (let at = 0; at < bytes.length; at += 13) {
    expect(found(path, Buffer.concat([bytes.subarray(0, at), Buffer.alloc(512)])).state).toBe(damagedFrom(at));
  }
});

it("survives a full disk: the record before counts, and the next goes where the torn one was", async () => {
  const disk = await SmallDisk.make(2 ** 20);
  const make = (spend = () => false) => new Ledger(disk.dir, { id: "boot", key }, (path) => rmSync(path), spend);
  const ledger = make();
  const run = runOf(jobs[0]);
  await ledger.write(run, true);
  disk.fill();
  let last = 0;
  // The file's last page still takes some, then only a part of one.
  for (let state = 1; state < 100 && last === 0; state++) {
    try {
      await ledger.write({ ...run, nextSequence: state }, state % 2 === 0);
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
      last = state - 1;
    }
  }
  expect(last).toBeGreaterThan(0);
  expect(make().load(nothingAside)).toMatchObject([{ run: { nextSequence: last } }]);
  await expect(ledger.write(runOf(jobs[1]), true)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(make().load(nothingAside)).toHaveLength(1);
  disk.makeRoom();
  await ledger.write({ ...run, nextSequence: 1000 }, false);
  await ledger.write(runOf(jobs[1]), true);
  expect(make().load(nothingAside)).toHaveLength(2);
  // With a reserve nobody notices.
  disk.fill();
  const reserved = make(() => {
    disk.makeRoom();
    return true;
  });
  reserved.load(nothingAside);
  for (let state = 2000; state < 2020; state++) await reserved.write({ ...run, nextSequence: state }, state % 2 === 0);
  const stored = make().load(nothingAside);
  expect(stored.find((one) => one.run.id === run.id)).toMatchObject({ run: { nextSequence: 2019 } });
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
