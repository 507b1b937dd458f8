import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { jobId, leaseId } from "../../shared/ids.js";
import { SmallDisk } from "../../test/fakes/small-disk.js";
import { ShimCopies } from "./std-copies.js";

const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
const lease = leaseId(jobId("5b0c6f9e-9c43-4c8a-8b2c-3c7de8a0c111"), 2);

function places() {
  const root = mkdtempSync(join(tmpdir(), "copies-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, lease));
  const copies = (program = shim) => new ShimCopies(program, root, pino({ level: "silent" }));
  return { from: join(root, lease, "stdout"), to: join(root, "stdout.txt"), copies, root };
}

test("a job's output reaches its directory while it runs, and whole at the end", async () => {
  const { from, to, copies } = places();
  const mine = copies();
  mine.start(lease, [{ from, to }]);
  writeFileSync(from, "live\n");
  await vi.waitFor(() => expect(readFileSync(to, "utf8")).toBe("live\n"), 5_000);
  appendFileSync(from, "last\n");
  expect(await mine.finish(lease, 10_000)).toBe("");
  expect(readFileSync(to, "utf8")).toBe("live\nlast\n");
});

test("an agent's successor goes on with the copies", async () => {
  const { from, to, copies } = places();
  const before = copies();
  before.start(lease, [{ from, to }]);
  writeFileSync(from, "one\n");
  await vi.waitFor(() => expect(readFileSync(to, "utf8")).toBe("one\n"), 5_000);
  const after = copies();
  after.start(lease, [{ from, to }]);
  appendFileSync(from, "two\n");
  expect(await after.finish(lease, 10_000)).toBe("");
  expect(readFileSync(to, "utf8")).toBe("one\ntwo\n");
});

test("a directory that takes nothing ends in words, after the limit", async () => {
  const { from, root, copies } = places();
  const mine = copies();
  writeFileSync(from, "x");
  mine.start(lease, [{ from, to: join(root, "gone", "stdout.txt") }]);
  expect(await mine.finish(lease, 500)).toMatch(/gone\/stdout.txt: No such file or directory/);
});

test("a lease without std files needs no copier", async () => {
  const { copies } = places();
  const mine = copies();
  mine.start(lease, []);
  expect(await mine.finish(lease, 500)).toBe("");
});

test("a copier that hangs is killed after the limit", async () => {
  const { from, to, copies, root } = places();
  const hanging = join(root, "hanging");
  writeFileSync(hanging, `#!/bin/sh\ntrap "" TERM\necho $$ > ${root}/pid\nexec sleep 600\n`, { mode: 0o755 });
  const mine = copies(hanging);
  mine.start(lease, [{ from, to }]);
  const pid = await vi.waitFor(() => {
    const written = /^(\d+)\n/.exec(readFileSync(join(root, "pid"), "utf8"));
    expect(written).not.toBeNull();
    return Number(written?.[1]);
  }, 5_000);
  expect(await mine.finish(lease, 500)).toBe("nothing was copied within 0.5 s");
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a directory on a full disk ends in words, with what fits", async () => {
  const { from, root, copies } = places();
  const disk = await SmallDisk.make(2 ** 20);
  symlinkSync(disk.dir, join(root, "std"));
  disk.fill(64 * 1024);
  writeFileSync(from, "x".repeat(2 ** 20));
  const mine = copies();
  mine.start(lease, [{ from, to: join(root, "std/stdout.txt") }]);
  expect(await mine.finish(lease, 1_000)).toMatch(/std\/stdout.txt: No space left on device/);
  expect(readFileSync(join(root, "std/stdout.txt"), "utf8")).toMatch(/^x+$/);
});

test("no copier outlives a lease whose end can't be marked, as the node's disk is full", async () => {
  const disk = await SmallDisk.make(2 ** 20);
  const { to, root } = places();
  mkdirSync(join(disk.dir, lease));
  const from = join(disk.dir, lease, "stdout");
  writeFileSync(from, "");
  const program = join(root, "copier");
  writeFileSync(program, `#!/bin/sh\necho $$ > ${root}/pid\nexec ${shim} "$@"\n`, { mode: 0o755 });
  const mine = new ShimCopies(program, disk.dir, pino({ level: "silent" }));
  mine.start(lease, [{ from, to }]);
  const pid = await vi.waitFor(() => {
    const written = /^(\d+)\n/.exec(readFileSync(join(root, "pid"), "utf8"))?.[1];
    if (written === undefined) throw new Error("no pid yet");
    return Number(written);
  }, 5_000);
  disk.useUpNames();
  expect(await mine.finish(lease, 10_000)).toBe("not copied whole: the node's disk is full");
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
