import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jobId, leaseId } from "../../shared/ids.js";
import { until } from "../../test/fakes/until.js";
import { JobTemps } from "./job-temps.js";
import { earlierName, makeDirectories } from "./shared-directories.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-directories-"));
});
// What was killed a moment ago may still be making its last folder.
afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

const none: ReadonlySet<string> = new Set();
const segment = (name: string) => `workspaces/w/experiments/e/jobs/${name}`;
const [one, two] = [jobId("one"), jobId("two")];

describe("a job's temp", () => {
  const temps = () =>
    new JobTemps(join(dir, "jobs"), join(dir, "trash"), join(dir, "temps.json"), (path) =>
      rmSync(path, { recursive: true }),
    );
  const put = (name: string) => writeFileSync(join(dir, "jobs", segment(name), "file"), "x");
  const has = (name: string) => existsSync(join(dir, "jobs", segment(name), "file"));

  it("keeps its contents until another job starts here", () => {
    const all = temps();
    all.prepare(segment("a"), one, 1, none);
    put("a");
    all.prepare(segment("a"), one, 2, none);
    expect(has("a")).toBe(true);
    all.prepare(segment("b"), two, 1, none);
    expect(existsSync(join(dir, "jobs", segment("a")))).toBe(false);
    expect(existsSync(join(dir, "jobs", segment("b")))).toBe(true);
  });

  it("is left alone while a lease uses it", () => {
    const all = temps();
    all.prepare(segment("a"), one, 1, none);
    put("a");
    all.prepare(segment("b"), two, 1, new Set([segment("a")]));
    expect(has("a")).toBe(true);
  });

  it("shows nothing of an earlier job of the same name", () => {
    const all = temps();
    all.prepare(segment("a"), one, 1, none);
    put("a");
    all.prepare(segment("a"), two, 1, new Set([segment("a")]));
    expect(has("a")).toBe(false);
  });

  it("shows another job of the same name nothing either when a later agent gets it with its second attempt", () => {
    temps().prepare(segment("a"), one, 1, none);
    put("a");
    temps().prepare(segment("a"), two, 2, none);
    expect(has("a")).toBe(false);
    // Of an agent that has written nothing down it is taken for the job's own.
    put("a");
    rmSync(join(dir, "temps.json"));
    temps().prepare(segment("a"), two, 3, none);
    expect(has("a")).toBe(true);
  });

  it("is known to a later agent: kept for a later attempt, gone for another job", () => {
    temps().prepare(segment("a"), one, 1, none);
    put("a");
    temps().prepare(segment("a"), one, 2, none);
    expect(has("a")).toBe(true);
    temps().prepare(segment("a"), two, 1, none);
    expect(has("a")).toBe(false);
    put("a");
    temps().prepare(segment("b"), two, 1, none);
    expect(has("a")).toBe(false);
  });
});

describe("directories that may be on a server", () => {
  const lease = leaseId(jobId("one"), 1);
  const plan = {
    directories: [] as string[],
    stdDirectory: "",
    earlier: [] as string[],
    attempt: 1,
    lease,
    segment: segment("one/1"),
  };
  const never = new AbortController().signal;

  it("are made with their parents, whatever their names", async () => {
    const paths = [join(dir, "a/b c"), join(dir, "-d/$(touch x)"), join(dir, "'q'")];
    expect(await makeDirectories({ ...plan, directories: paths }, never)).toBeUndefined();
    expect(paths.every((path) => existsSync(path))).toBe(true);
  });

  it("let jobs of other accounts in beside them, and not into them", async () => {
    const own = join(dir, "results", segment("one/1"), "outputs");
    expect(await makeDirectories({ ...plan, directories: [own], as: ["/usr/bin/env"] }, never)).toBeUndefined();
    const modeOf = (path: string) => (statSync(join(dir, "results", path)).mode & 0o7777).toString(8);
    const levels = ["workspaces", "workspaces/w", "workspaces/w/experiments/e/jobs", segment("one")];
    expect(levels.map(modeOf)).toEqual(levels.map(() => "1777"));
    expect([".", segment("one/1"), `${segment("one/1")}/outputs`].map(modeOf)).toEqual(["755", "755", "755"]);
  });

  it("give the std files of the attempt before their number, once", async () => {
    writeFileSync(join(dir, "stdout.txt"), "first");
    const second = { ...plan, stdDirectory: dir, earlier: ["stdout.txt", "stderr.txt"], attempt: 2 };
    expect(await makeDirectories(second, never)).toBeUndefined();
    writeFileSync(join(dir, "stdout.txt"), "second, already");
    expect(await makeDirectories(second, never)).toBeUndefined();
    expect(readdirSync(dir).sort()).toEqual(["stdout.attempt-1.txt", "stdout.txt"]);
    expect(readFileSync(join(dir, "stdout.attempt-1.txt"), "utf8")).toBe("first");
  });

  it("say why they can't be made", async () => {
    writeFileSync(join(dir, "file"), "");
    expect(await makeDirectories({ ...plan, directories: [join(dir, "file/x")] }, never)).toContain("Not a directory");
  });

  it("are made by processes that are found by the lease's mark", async () => {
    const stop = new AbortController();
    const directories = Array.from({ length: 3000 }, (_, index) => join(dir, String(index)));
    const made = makeDirectories({ ...plan, directories }, stop.signal);
    const found = await until("a process of the lease", () => markedWith(`STOKER_LEASE=${lease}`).includes("mkdir"));
    stop.abort();
    await made;
    expect(found).toBe(true);
    await until("the end of what was begun", () => markedWith(`STOKER_LEASE=${lease}`).length === 0);
  });

  it("are given up when the job is stopped", async () => {
    mkdirSync(join(dir, "bin"));
    const stop = new AbortController();
    const made = makeDirectories({ ...plan, directories: [join(dir, "x")] }, stop.signal);
    stop.abort();
    expect(await made).toContain("stopping");
  });
});

it("numbers names before their ending", () => {
  expect(earlierName("stdout-wk-0.txt", 2)).toBe("stdout-wk-0.attempt-2.txt");
  expect(earlierName("log", 1)).toBe("log.attempt-1");
});

/** Names of the programs that have this in their environment. */
function markedWith(variable: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      return environment.includes(variable) ? readFileSync(`/proc/${pid}/comm`, "utf8").trim() : [];
    } catch {
      return [];
    }
  });
}
