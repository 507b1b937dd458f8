import { spawn, spawnSync } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SmallDisk } from "../test/fakes/small-disk.js";
import { until } from "../test/fakes/until.js";
import { journalPrefix } from "./daemon-log.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-daemon-log-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const from = (name: string) => pathToFileURL(join(import.meta.dirname, name)).href;

/** A daemon in small: it logs a line a few times, and crashes at the end, or goes on until its stdin ends. */
const program = (body: string) => [
  "--import",
  "tsx",
  "--input-type=module",
  "--eval",
  `import { crashLoudly } from "${from("daemon.ts")}";
   import { daemonLog } from "${from("daemon-log.ts")}";
   const log = daemonLog("small", "info");
   crashLoudly(log);
   ${body}`,
];
const crashing = program(`for (let n = 0; n < 3000; n++) log.info({ n }, "x".repeat(100));
   console.error("to stderr as well");
   setTimeout(() => { throw new Error("a bug"); }, 50);`);

test("a crash ends a daemon whose stdout and stderr are on a full disk", () => {
  const full = openSync("/dev/full", "w");
  const { status, error } = spawnSync(process.execPath, crashing, { stdio: ["ignore", full, full], timeout: 60_000 });
  closeSync(full);
  expect({ status, error }).toEqual({ status: 1, error: undefined });
}, 90_000);

test("and one whose readers are gone", async () => {
  const child = spawn(process.execPath, crashing, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  child.stderr.destroy();
  expect(await until("its end", () => child.exitCode ?? child.signalCode ?? undefined, 60_000)).toBe(1);
}, 90_000);

test("a reader that stands still holds up nobody, and reads whole lines later", async () => {
  const body = `for (let n = 0; n < 20000; n++) log.info({ n }, "x".repeat(100));
    console.error("done");
    process.stdin.on("data", () => log.info("last")).on("end", () => process.exit(0));`;
  const child = spawn(process.execPath, program(body), { stdio: ["pipe", "pipe", "pipe"] });
  await new Promise((resolve) => child.stderr.once("data", resolve));
  let text = "";
  child.stdout.on("data", (data: Buffer) => {
    text += data.toString();
  });
  await until("what was dropped", () => text.includes('"dropped"'), 60_000);
  child.stdin?.write("x");
  await until("a line after it", () => text.includes('"last"'), 60_000);
  child.stdin?.end();
  const lines = text.trimEnd().split("\n");
  const told = lines.map((line) => JSON.parse(line) as { n?: number; dropped?: number });
  const kept = told.filter(({ n }) => n !== undefined).length;
  expect(kept).toBeGreaterThan(5000);
  expect(told.reduce((sum, { dropped }) => sum + (dropped ?? 0), 0)).toBe(20_000 - kept);
}, 90_000);

test("lines that a full disk refused are counted when there is room again", async () => {
  const disk = await SmallDisk.make(2 ** 20);
  const path = join(disk.dir, "log");
  const file = openSync(path, "a");
  const body =
    'process.stdin.on("data", () => log.info("x".repeat(3000)));process.stdin.on("end", () => process.exit(0));';
  const child = spawn(process.execPath, program(body), { stdio: ["pipe", file, "pipe"] });
  closeSync(file);
  const text = () => readFileSync(path, "utf8");
  const say = () => child.stdin?.write("x");
  await until("a line", () => say() && text().includes("\n"), 60_000);
  disk.fill();
  for (let times = 0; times < 10; times++) {
    say();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const size = text().length;
  disk.makeRoom();
  await until("a line again", () => say() && text().length > size && text().includes('"dropped"'), 60_000);
  child.stdin?.end();
  expect(text().match(/could not be written/g)).toHaveLength(1);
  expect(text()).toContain("ENOSPC");
}, 90_000);

test("the journal is told each line's level, and nobody else", () => {
  const line = (level: number) => journalPrefix(`{"level":${level},"msg":"x"}\n`);
  expect([10, 20, 30, 40, 50, 60].map(line)).toEqual(["<7>", "<7>", "<6>", "<4>", "<3>", "<2>"]);
  const path = join(dir, "journal.txt");
  const file = openSync(path, "a");
  const { dev, ino } = fstatSync(file);
  for (const stream of [`${dev}:${ino}`, "1:1"]) {
    const env = { ...process.env, JOURNAL_STREAM: stream };
    spawnSync(process.execPath, program('log.warn("careful")'), {
      stdio: ["ignore", file, "ignore"],
      env,
      timeout: 60_000,
    });
  }
  closeSync(file);
  const [first, second] = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(first).toMatch(/^<4>\{.*careful/);
  expect(second).toMatch(/^\{.*careful/);
}, 90_000);
