import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { run, scratch } from "./scratch.js";

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
