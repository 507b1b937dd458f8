import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkBreaking, checkGenerated, checkReleased } from "./proto.js";

const source = resolve(import.meta.dirname, "../..");
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stoker-tree-"));
  for (const path of ["buf.yaml", "buf.gen.yaml", "proto", "shared/gen", "test/fixtures/releases"]) {
    cpSync(join(source, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(source, "node_modules"), join(root, "node_modules"));
  git("init", "--quiet", "--initial-branch", "main");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function git(...args: string[]): void {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
  execFileSync("git", [...identity, ...args], { cwd: root });
}

function commit(): void {
  git("add", "buf.yaml", "proto");
  git("commit", "--quiet", "--no-verify", "-m", "base");
}

test("generated code that is up to date is accepted, and an edit of it is caught", async () => {
  expect(await checkGenerated(root)).toMatchObject({ status: 0 });
  appendFileSync(join(root, "shared/gen/stoker/v1/job_pb.ts"), "// edited\n");
  expect(await checkGenerated(root)).toMatchObject({ status: 1 });
});

test("a field whose type changed since main is caught, also on a detached HEAD", async () => {
  commit();
  git("checkout", "--quiet", "--detach");
  expect(await checkBreaking(root)).toMatchObject({ status: 0 });
  const path = join(root, "proto/stoker/v1/job.proto");
  writeFileSync(path, readFileSync(path, "utf8").replace("int32 node_count = 3", "string node_count = 3"));
  const { status, output } = await checkBreaking(root);
  expect(status).not.toBe(0);
  expect(output).toContain("node_count");
});

test("without a base there is nothing to compare with, and it says so", async () => {
  const { status, output } = await checkBreaking(root);
  expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining("skipped") });
});

test("a field whose number changed since the last release is caught without any git", async () => {
  expect(await checkReleased(root)).toMatchObject({ status: 0 });
  const path = join(root, "proto/stoker/v1/lease.proto");
  writeFileSync(path, readFileSync(path, "utf8").replace("string host_file = 14", "string host_file = 114"));
  expect((await checkReleased(root)).output).toContain("host_file");
});
