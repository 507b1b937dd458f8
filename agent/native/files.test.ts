import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { scratch, shim } from "./scratch.js";

const below = "workspaces/w/out";

/** `<base>/workspaces/w/out`, and a secret beside it. */
function places() {
  const base = scratch();
  const dir = join(base, below);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(base, "secret"), "secret");
  const run = (...words: string[]) => {
    const { stdout, status } = spawnSync(shim, words, { input: "", timeout: 20_000 });
    return { code: status, text: stdout.toString(), parts: stdout.toString().split("\0") };
  };
  return {
    base,
    dir,
    list: (path: string, most = 1000, after = "") => run("list", base, below, path, String(most), after),
    read: (path: string, offset = 0, length = -1) =>
      run("read", base, below, path, String(offset), String(length), "once"),
  };
}

const named = ({ parts }: { parts: string[] }) =>
  parts.slice(0, -1).map((line) => line.replace(/^(.) (\d+) [-\d.]+ /s, "$1 $2 "));

test("a listing tells type, size and name of all there is, whatever the names", () => {
  const { dir, list } = places();
  mkdirSync(join(dir, "folder"));
  for (const name of [".hidden", "two\nlines", "naïve", "-rf", "a b"]) writeFileSync(join(dir, name), "12345");
  expect(named(list("."))).toEqual(["f 5 -rf", "f 5 .hidden", "f 5 a b", "d 0 folder", "f 5 naïve", "f 5 two\nlines"]);
  expect(named(list(".", 2, ".hidden"))).toEqual(["f 5 a b", "d 0 folder"]);
  expect(list("folder")).toMatchObject({ code: 0, text: "" });
});

test("a read gives the part that was asked for", () => {
  const { dir, read } = places();
  writeFileSync(join(dir, "file"), "0123456789");
  expect(read("file").parts[1]).toBe("0123456789");
  expect(read("file", 2, 3).parts[1]).toBe("234");
  expect(read("file", 8, 100).parts[1]).toBe("89");
  expect(read("file", 100).parts[1]).toBe("");
  expect(read("file").parts[0]).toMatch(/^10 \d+\.\d{9} [0-9a-f]+-[0-9a-f]+ 0$/);
});

test.runIf(process.getuid?.() === 0)(
  "what a link in the place of the directory leads to is read with the rights of the job's account",
  () => {
    // In a folder that is the agent's alone, as scratch folders are the test's.
    const base = join(scratch(), "volume");
    const dir = join(base, below);
    mkdirSync(dir, { recursive: true });
    mkdirSync(join(base, "closed"), { mode: 0o700 });
    writeFileSync(join(base, "closed/file"), "secret", { mode: 0o600 });
    symlinkSync("../../closed", join(base, "workspaces/w/planted"));
    writeFileSync(join(dir, "own"), "own", { mode: 0o600 });
    chownSync(join(dir, "own"), 61_001, 61_001);
    const run = (...words: string[]) => {
      const { stdout, status } = spawnSync(shim, words, { input: "", timeout: 20_000 });
      return `${status} ${stdout.toString().split("\0")[status === 0 ? 1 : 0]?.split(":")[0]}`;
    };
    const read = (at: string, path: string, ...reader: string[]) =>
      run("read", ...reader, base, at, path, "0", "-1", "once");
    const as = ["--as", "61001 61001 61100"];
    const planted = "workspaces/w/planted";
    expect(read(planted, "file")).toBe("0 secret");
    expect(read(planted, "file", ...as)).toBe("1 !EACCES file");
    expect(run("list", ...as, base, planted, ".", "9", "")).toBe("1 !EACCES .");
    expect(read(below, "own", ...as)).toBe("0 own");
    expect(read(below, "own", "--as", "61002 61002")).toBe("1 !EACCES own");
    // Of what belongs to no job.
    expect(read(planted, "file", "--without-links")).toBe("1 !EXDEV file");
    expect(read(below, "own", "--without-links")).toBe("0 own");
    const followed = run("read", ...as, base, below, "own", "0", "-1", "follow");
    expect(followed).toBe("0 own");
  },
);

test.runIf(process.getuid?.() === 0)("who looks for a folder as an account sees what that can enter", () => {
  const { base } = places();
  chmodSync(base, 0o755);
  for (const name of ["open", "closed", "closed/inner"]) mkdirSync(join(base, name));
  chmodSync(join(base, "closed"), 0o700);
  symlinkSync(join(base, "closed/inner"), join(base, "link"));
  const paths = ["open", "closed", "closed/inner", "link", "secret", "absent"].map((name) => join(base, name));
  const look = (...words: string[]) =>
    spawnSync(shim, ["look", ...words])
      .stdout.toString()
      .split("\0")
      .flatMap((line) => line.split(" ")[1]?.slice(base.length + 1) ?? []);
  expect(look("/", ...paths)).toEqual(["open", "closed", "closed/inner", "link", "secret"]);
  expect(look("/", "--as", "61001 61001", ...paths)).toEqual(["open", "secret"]);
  // As a container's root: what is absolute begins there.
  expect(look(join(base, "closed"), "/inner", "/../../secret", "/open")).toEqual([""]);
});

test("nothing outside is reached: by dots, by absolute paths, by links", () => {
  const { base, dir, list, read } = places();
  symlinkSync("../../../secret", join(dir, "up"));
  symlinkSync(join(base, "secret"), join(dir, "absolute"));
  symlinkSync(base, join(dir, "folder"));
  symlinkSync("/proc/self/fd/0", join(dir, "magic"));
  for (const path of [
    "../../../secret",
    "up",
    "absolute",
    "folder/secret",
    "magic",
    join(base, "secret"),
    "x/../../../../secret",
  ]) {
    const { code, text } = read(path);
    expect({ path, code }).toEqual({ path, code: 1 });
    expect(text).toMatch(/^!(EXDEV|ENOENT) /);
  }
  for (const path of ["..", "../..", "folder", "/"]) expect(list(path).text).toMatch(/^!EXDEV /);
  expect(named(list("."))).toEqual(["o 0 absolute", "o 0 folder", "o 0 magic", "o 0 up"]);
});

test("a directory that a job has replaced by a link leads nowhere either", () => {
  const { base, list } = places();
  renameSync(join(base, "workspaces/w"), join(base, "workspaces/kept"));
  symlinkSync("/etc", join(base, "workspaces/w"));
  expect(list(".").text).toMatch(/^!EXDEV /);
});

test("a link that stays inside is what it leads to", () => {
  const { dir, list, read } = places();
  writeFileSync(join(dir, "model-3"), "weights");
  symlinkSync("model-3", join(dir, "latest"));
  expect(read("latest").parts[1]).toBe("weights");
  expect(named(list("."))).toEqual(["f 7 latest", "f 7 model-3"]);
});

test("what is no file is refused, and a pipe without a writer is not waited for", () => {
  const { dir, read } = places();
  spawnSync("mkfifo", [join(dir, "pipe")]);
  expect(read(".").text).toMatch(/^!EISDIR /);
  expect(read("pipe").text).toMatch(/^!EINVAL /);
  expect(read("nothing").text).toMatch(/^!ENOENT /);
});

function follow(base: string, path: string) {
  const child = spawn(shim, ["read", base, below, path, "0", "-1", "follow"], { stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const until = (wanted: string) => vi.waitFor(() => expect(text.split("\0")[1]).toBe(wanted), 10_000);
  return { until, finish: () => child.stdin.end(), ended, text: () => text };
}

test("a file that is followed is waited for, told as it grows, and ends when it grows no more", async () => {
  const { base, dir } = places();
  const { until, finish, ended } = follow(base, "log");
  writeFileSync(join(dir, "log"), "one\n");
  await until("one\n");
  appendFileSync(join(dir, "log"), "two\n");
  await until("one\ntwo\n");
  appendFileSync(join(dir, "log"), "three\n");
  finish();
  expect(await ended).toBe(0);
  await until("one\ntwo\nthree\n");
});

test("the file of the next attempt is followed in place of the first's, after the rest of that", async () => {
  const { base, dir } = places();
  writeFileSync(join(dir, "log"), "first");
  const { until, finish, ended } = follow(base, "log");
  await until("first");
  appendFileSync(join(dir, "log"), ", and last");
  renameSync(join(dir, "log"), join(dir, "log.attempt-1"));
  writeFileSync(join(dir, "log"), "; second");
  await until("first, and last; second");
  finish();
  expect(await ended).toBe(0);
});

test("one that never comes is told when nobody can write it any more", async () => {
  const { base } = places();
  const { finish, ended, text } = follow(base, "never");
  finish();
  expect(await ended).toBe(1);
  expect(text()).toMatch(/^!ENOENT never/);
});

test("join runs the command in its folder and passes its exit on", () => {
  const dir = scratch();
  const { status } = spawnSync(shim, ["join", "", dir, "/bin/sh", "-c", "pwd > here; exit 7"]);
  expect(status).toBe(7);
  expect(readFileSync(join(dir, "here"), "utf8").trim()).toBe(dir);
});

test("join runs nothing for a lease that is gone", () => {
  const dir = scratch();
  expect(spawnSync(shim, ["join", join(dir, "fence"), dir, "/bin/true"]).status).toBe(137);
});
