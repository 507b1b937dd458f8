import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

const run = (name: string, ...args: string[]) =>
  spawnSync(join(root, "dist", name), args, { encoding: "utf8", timeout: 20_000 });

test.each(["stoker.js", "stoker-coordinator.js", "stoker-agent.js"])("%s tells its version and its help", (name) => {
  expect(run(name, "--version")).toMatchObject({ status: 0, stdout: `${version}\n` });
  const { status, stdout } = run(name, "--help");
  expect(status).toBe(0);
  expect(stdout).toContain("Usage: stoker");
});

test("the shim is an executable of its own", () => {
  expect(run("stoker-shim").status).toBeGreaterThan(0);
});
