import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { jobId, leaseId } from "../../shared/ids.js";
import { ShimCopies } from "./std-copies.js";

const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
const lease = leaseId(jobId("5b0c6f9e-9c43-4c8a-8b2c-3c7de8a0c111"), 2);

function places() {
  const root = mkdtempSync(join(tmpdir(), "copies-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, lease));
  const copies = () => new ShimCopies(shim, root, pino({ level: "silent" }));
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
