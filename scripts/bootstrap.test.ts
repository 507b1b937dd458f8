import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const source = resolve(import.meta.dirname, "..");
let tree: string;

/** Two that can be loaded. */
const makeAddOns =
  'for name in better-sqlite3 node-pty; do mkdir -p node_modules/$name; echo "module.exports = class { close() {} }" > node_modules/$name/index.js; done';

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "stoker-bootstrap-"));
  for (const folder of ["scripts", "programs"]) mkdirSync(join(tree, folder));
  cpSync(join(source, "scripts/bootstrap.sh"), join(tree, "scripts/bootstrap.sh"));
  for (const file of ["package.json", "package-lock.json"]) writeFileSync(join(tree, file), "{}\n");
  // A machine that has all packages, and an npm that installs an add-on which works.
  stub("dpkg-query", 'shift 2; for package; do echo "ii  $package"; done');
  stub("npm", makeAddOns);
  stub("apt-get", "");
  stub("id", "echo 0");
  for (const name of ["prometheus", "promtool"]) stub(name, "");
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

/** A program that comes before the real one, and notes how it was called. */
function stub(name: string, script: string): void {
  const path = join(tree, "programs", name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>"${tree}/calls"\n${script}\n`);
  chmodSync(path, 0o755);
}

function bootstrap(purpose = "test") {
  writeFileSync(join(tree, "calls"), "");
  const { status, stderr } = spawnSync("sh", [join(tree, "scripts/bootstrap.sh"), purpose], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(tree, "programs")}:${process.env.PATH}` },
  });
  const calls = readFileSync(join(tree, "calls"), "utf8").trim().split("\n");
  return { status, stderr, calls: calls.filter((call) => /^(npm|apt-get)/.test(call)) };
}

const without = (name: string) =>
  stub("dpkg-query", `shift 2; for package; do [ "$package" = ${name} ] || echo "ii  $package"; done`);

test("a second run installs nothing, until the lock file changes", () => {
  expect(bootstrap()).toMatchObject({ status: 0, calls: ["npm ci --no-audit --no-fund"] });
  expect(bootstrap()).toMatchObject({ status: 0, calls: [], stderr: "" });
  writeFileSync(join(tree, "package-lock.json"), '{ "changed": true }\n');
  expect(bootstrap().calls).toEqual(["npm ci --no-audit --no-fund"]);
});

test("an add-on that npm did not build is built, and one that can't be is told of", () => {
  stub("npm", `[ "$1" = ci ] && exit 0; ${makeAddOns}`);
  expect(bootstrap()).toMatchObject({
    status: 0,
    calls: [expect.stringMatching(/^npm ci/), "npm rebuild better-sqlite3 node-pty"],
  });
  rmSync(join(tree, "node_modules"), { recursive: true });
  stub("npm", "");
  expect(bootstrap()).toMatchObject({ status: 1, stderr: expect.stringContaining("better-sqlite3") });
});

test("who is not root is given the one line to run", () => {
  without("mpich");
  stub("id", "echo 1000");
  const { status, stderr, calls } = bootstrap();
  expect({ status, calls }).toEqual({ status: 2, calls: [] });
  expect(stderr).toContain("sudo apt-get install --no-install-recommends mpich\n");
});

test("root gets what is missing, with fresh lists when the first try fails", () => {
  without("mpich");
  stub("apt-get", `case "$*" in *update*) touch "${tree}/updated" ;; *) [ -e "${tree}/updated" ] ;; esac`);
  const { status, calls } = bootstrap();
  expect(status).toBe(0);
  const install = expect.stringMatching(/^apt-get .*install .* mpich$/);
  expect(calls.slice(0, 3)).toEqual([install, "apt-get update -q", install]);
});

test("each purpose asks for its own packages", () => {
  without("mpich");
  expect(bootstrap("quickstart").calls.some((call) => call.startsWith("apt-get"))).toBe(false);
  without("nats-server");
  expect(bootstrap("quickstart").calls.some((call) => call.endsWith(" nats-server"))).toBe(true);
  expect(bootstrap("nonsense")).toMatchObject({ status: 2, calls: [] });
});

test("an old Node.js is refused", () => {
  stub("node", 'case "$1" in -v) echo v18.19.0 ;; *) echo "18 108 /usr" ;; esac');
  expect(bootstrap()).toMatchObject({ status: 2, stderr: expect.stringContaining("20 or newer") });
});
