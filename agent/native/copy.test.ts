import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { run, scratch, shim } from "./scratch.js";

function places() {
  const dir = scratch();
  const at = (name: string) => join(dir, name);
  const words = ["copy", "--from", at("spool"), "--to", at("target"), "--done", at("done"), "--result", at("result")];
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), "utf8") : undefined);
  return { at, words, read, result: () => JSON.parse(read("result") ?? "{}") as Record<string, unknown> };
}

test("what is appended to the spool comes after it in the target, until the mark says that it is all", async () => {
  const { at, words, read, result } = places();
  const { ended } = run(words);
  await vi.waitFor(() => expect(read("target")).toBe(""), 5_000);
  writeFileSync(at("spool"), "one\n");
  await vi.waitFor(() => expect(read("target")).toBe("one\n"), 5_000);
  appendFileSync(at("spool"), "two\n");
  await vi.waitFor(() => expect(read("target")).toBe("one\ntwo\n"), 5_000);
  appendFileSync(at("spool"), "three\n");
  writeFileSync(at("done"), "");
  expect(await ended).toMatchObject({ code: 0 });
  expect(read("target")).toBe("one\ntwo\nthree\n");
  expect(result()).toEqual({ complete: true, problem: "" });
});

test("a new copier goes on where the target ends", async () => {
  const { at, words, read } = places();
  writeFileSync(at("spool"), "0123456789");
  writeFileSync(at("target"), "0123");
  writeFileSync(at("done"), "");
  await run(words).ended;
  expect(read("target")).toBe("0123456789");
});

test("an empty stream makes a file as well, also one that never began", async () => {
  const { at, words, read } = places();
  writeFileSync(at("done"), "");
  await run(words).ended;
  expect(read("target")).toBe("");
});

test("a target that can't be written is tried again, and the trouble is told meanwhile", async () => {
  const { at, result, read } = places();
  const words = [
    "copy",
    "--from",
    at("spool"),
    "--to",
    at("gone/target"),
    "--done",
    at("done"),
    "--result",
    at("result"),
  ];
  writeFileSync(at("spool"), "kept\n");
  const { ended } = run(words);
  await vi.waitFor(() => expect(result().problem).toMatch(/gone\/target: No such file/), 5_000);
  writeFileSync(at("done"), "");
  mkdirSync(at("gone"));
  expect(await ended).toMatchObject({ code: 0 });
  expect(read("gone/target")).toBe("kept\n");
  expect(result()).toEqual({ complete: true, problem: "" });
});

test("a full target is told", async () => {
  const { at, result } = places();
  writeFileSync(at("spool"), "x");
  const { child, ended } = run([
    "copy",
    "--from",
    at("spool"),
    "--to",
    "/dev/full",
    "--done",
    at("done"),
    "--result",
    at("result"),
  ]);
  await vi.waitFor(
    () => expect(result()).toEqual({ complete: false, problem: "/dev/full: No space left on device" }),
    5_000,
  );
  child.kill("SIGKILL");
  await ended;
});

test("megabytes arrive whole", async () => {
  const { at, words } = places();
  const text = Buffer.alloc(20_000_000, "0123456789abcdef\n");
  writeFileSync(at("spool"), text);
  writeFileSync(at("done"), "");
  await run(words).ended;
  expect(readFileSync(at("target")).equals(text)).toBe(true);
});

test.runIf(process.getuid?.() === 0)(
  "what root writes among others' files follows no link but root's own, and adds to no file of another name",
  () => {
    const { at } = places();
    const call = (...words: string[]) => spawnSync(shim, words, { encoding: "utf8", timeout: 20_000 });
    for (const name of ["open", "elsewhere"]) mkdirSync(at(name));
    writeFileSync(at("elsewhere/precious"), "x");
    symlinkSync(at("open"), at("roots"));
    expect(call("folder", at("roots/new/deep"), "out").status).toBe(0);
    writeFileSync(at("open/new/deep/out"), "first");
    expect(call("folder", at("roots/new/deep"), "out").status).toBe(0);
    expect(readFileSync(at("open/new/deep/earlier-out"), "utf8")).toBe("first");
    // Of which the first was made when it was root's alone.
    mkdirSync(at("open/levels"), { mode: 0o755 });
    const levels = ["open/levels", "open/levels/w"].map(at);
    expect(call("folder", ...levels.flatMap((level) => ["--shared", level]), at("open/levels/w/own/x")).status).toBe(0);
    const modes = [...levels, at("open/levels/w/own")].map((path) => (statSync(path).mode & 0o7777).toString(8));
    expect(modes).toEqual(["1777", "1777", "755"]);
    symlinkSync(at("elsewhere"), at("open/planted"));
    symlinkSync(at("elsewhere/precious"), at("open/file"));
    linkSync(at("elsewhere/precious"), at("open/second-name"));
    for (const name of ["planted", "file"]) lchownSync(at(`open/${name}`), 61_001, 61_001);
    expect(call("folder", at("open/planted/made"))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("a link"),
    });
    writeFileSync(at("spool"), "words");
    writeFileSync(at("done"), "");
    const copy = (to: string) => {
      const words = ["copy", "--from", at("spool"), "--to", at(to), "--done", at("done"), "--result", at("result")];
      // It tries for ever.
      spawnSync("timeout", ["-s", "KILL", "0.3", shim, ...words, "--trusted", "yes"]);
      return JSON.parse(readFileSync(at("result"), "utf8")) as { complete: boolean; problem: string };
    };
    for (const to of ["open/planted/new", "open/file", "open/second-name"])
      expect(copy(to)).toEqual({ complete: false, problem: expect.stringContaining(to) });
    expect(readdirSync(at("elsewhere"))).toEqual(["precious"]);
    expect(readFileSync(at("elsewhere/precious"), "utf8")).toBe("x");
    expect(copy("roots/new/deep/out")).toEqual({ complete: true, problem: "" });
    expect(readFileSync(at("open/new/deep/out"), "utf8")).toBe("words");
  },
);
