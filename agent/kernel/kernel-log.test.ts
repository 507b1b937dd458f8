import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../test/fakes/until.js";
import { KernelLog } from "./kernel-log.js";

const log = pino({ level: "silent" });
let dir: string;
let kernel: KernelLog | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-kernel-"));
});

afterEach(() => {
  kernel?.close();
  rmSync(dir, { recursive: true, force: true });
});

it("tells what the kernel said, by the machine's clock, and what it says while somebody asks", async () => {
  // A pipe gives what was written in one go to one read, as /dev/kmsg does.
  const path = join(dir, "kmsg");
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, "r+");
  const say = (text: string) => writeSync(pipe, text);
  say("6,1,5000000,-;nothing of interest\n");
  kernel = new KernelLog(log, { path, nowUs: () => 9_000_000, wallMs: () => 1_000_000 });
  const heard: string[] = [];
  kernel.onMessage(({ at, message }) => heard.push(`${at} ${message.kind}`));
  kernel.start();
  say("4,2,7000000,-;NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.\n");
  expect(kernel.recent(60_000)).toMatchObject([{ at: 998_000, message: { kind: "xid", xid: { code: 79 } } }]);
  expect(kernel.recent(1_000)).toEqual([]);
  say("6,3,8500000,-;nfs: server filer not responding, still trying\n");
  await until("the second message", () => heard.length === 2);
  expect(heard).toEqual(["998000 xid", "999500 nfs-silent"]);
  expect([...kernel.counts()]).toEqual([
    ["xid", 1],
    ["nfs-silent", 1],
  ]);
});

it("a log that can't be opened is one warning, and nothing is known", () => {
  kernel = new KernelLog(log, { path: join(dir, "none") });
  kernel.start();
  expect(kernel.recent(60_000)).toEqual([]);
});

it("ends well where there is an end", () => {
  const path = join(dir, "file");
  writeFileSync(path, "");
  appendFileSync(path, "4,2,7,-;nfs: server filer OK\n");
  kernel = new KernelLog(log, { path });
  kernel.start();
  expect(kernel.recent(Number.MAX_SAFE_INTEGER)).toMatchObject([{ message: { kind: "nfs-answers", server: "filer" } }]);
});
