import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildPackage } from "./build-package.js";
import { type PackageName, packageNames } from "./control.js";
import { maintainerScripts } from "./scripts.js";

const root = resolve(import.meta.dirname, "../..");

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "stoker-package-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** With something small in place of Node, which the tests have already. */
function built(name: PackageName, out = scratch()): string {
  const nodePath = join(out, "node");
  writeFileSync(nodePath, "#!/bin/sh\n");
  return buildPackage(name, {
    root,
    dist: join(root, "dist"),
    out,
    version: "1.2.3",
    architecture: "amd64",
    nodePath,
    epochSeconds: 1_700_000_000,
    compression: "none",
  });
}

const deb = (...words: string[]) => execFileSync("dpkg-deb", words, { encoding: "utf8" });
const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test.each(packageNames)(
  "%s: the same sources give the same bytes",
  (name) => {
    expect(digest(built(name))).toBe(digest(built(name)));
  },
  180_000,
);

test.each(packageNames)("%s: nothing is writable for others, or owned by who built it", (name) => {
  const lines = deb("-c", built(name)).trim().split("\n");
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(line).toMatch(/^(?:[-dh]rw[-x]r-[-x]r-[-x]|lrwxrwxrwx) root\/root /);
});

test("the command line starts from its package, completes and has a manual", () => {
  const tree = scratch();
  deb("-x", built("stoker"), tree);
  const program = join(tree, "usr/lib/stoker/stoker.js");
  expect(readFileSync(program, "utf8")).toMatch(/^#!\/usr\/lib\/stoker\/node\n/);
  expect(execFileSync(process.execPath, [program, "--version"], { encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+/);
  expect(completed(tree, "stoker job sh")).toEqual(["show"]);
  expect(completed(tree, "stoker node drain --re")).toEqual(["--reason"]);
  expect(completed(tree, "stoker wor")).toEqual(["workspace"]);
  expect(readFileSync(join(tree, "usr/share/man/man1/stoker.1"), "utf8")).toMatch(/^\.SS job$/m);
});

/** What bash offers at the end of the line. */
function completed(tree: string, line: string): string[] {
  const words = line.split(" ");
  const text = [
    `. ${join(tree, "usr/share/bash-completion/completions/stoker")}`,
    `COMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}`,
    "_stoker",
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ];
  return execFileSync("bash", ["-c", text.join("\n")], { encoding: "utf8" })
    .trim()
    .split("\n");
}

test("the coordinator starts from its package, with the add-on that it needs", () => {
  const tree = scratch();
  deb("-x", built("stoker-coordinator"), tree);
  deb("-x", built("stoker"), tree);
  const program = join(tree, "usr/lib/stoker/stoker-coordinator.js");
  expect(execFileSync(process.execPath, [program, "--version"], { encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+/);
  const load = `new (require("better-sqlite3"))(":memory:").prepare("SELECT 7 AS n").get().n`;
  const words = ["-p", load];
  const cwd = join(tree, "usr/lib/stoker");
  expect(execFileSync(process.execPath, words, { cwd, encoding: "utf8" }).trim()).toBe("7");
  for (const path of ["etc/stoker/coordinator.yaml", "usr/lib/systemd/system/stoker-coordinator.service"]) {
    expect(existsSync(join(tree, path)), path).toBe(true);
  }
});

test("the agent brings its terminals along", () => {
  const tree = scratch();
  deb("-x", built("stoker-agent"), tree);
  const load = `require("node-pty").spawn.length`;
  const cwd = join(tree, "usr/lib/stoker");
  expect(execFileSync(process.execPath, ["-p", load], { cwd, encoding: "utf8" }).trim()).toBe("3");
});

test("what an administrator changes is kept, and what it needs is said", () => {
  const agent = built("stoker-agent");
  expect(deb("-f", agent, "Depends")).toBe("stoker (= 1.2.3), nfs-common, systemd\n");
  expect(deb("-f", agent, "Recommends")).toBe("openmpi-bin\n");
  expect(deb("-I", agent, "conffiles")).toBe("/etc/stoker/agent.yaml\n");
  expect(deb("-f", built("stoker-coordinator"), "Depends")).toMatch(/nats-server/);
  // The shim under its two names, once in the package.
  expect(deb("-c", agent)).toMatch(/stoker-(rsh|shim) link to \.\/usr\/lib\/stoker\/stoker-(rsh|shim)$/m);
});

test("dpkg's hooks are shell that can be read", () => {
  const folder = scratch();
  for (const [name, hooks] of Object.entries(maintainerScripts)) {
    for (const [hook, text] of Object.entries(hooks)) {
      const path = join(folder, `${name}.${hook}`);
      writeFileSync(path, text);
      execFileSync("sh", ["-n", path]);
    }
  }
});
