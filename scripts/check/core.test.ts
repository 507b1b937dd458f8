import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkCores } from "./core.js";
import { impurities } from "./purity.js";

const found = (text: string) => impurities("core/a.ts", text).map(({ what }) => what);

test.each([
  ["export async function f() {}", "async"],
  ["export const f = async () => 1;", "async"],
  ["export const x = await load();", "await"],
  ["for await (const x of y) z(x);", "for await"],
  ["const x = Date.now();", "Date.now"],
  ["const x = new Date();", "new Date()"],
  ["const x = Date();", "Date()"],
  ["const x = Math.random();", "Math.random"],
  ["const x = process.env.HOME;", "process"],
  ["const { env } = process;", "process"],
  ["for (const process of lease.processes) kill(process.pid); process.exit();", "process"],
  ["setTimeout(f, 5);", "setTimeout"],
  ["const later = setInterval;", "setInterval"],
  ["const f = globalThis.fetch;", "globalThis"],
  ["const id = crypto.randomUUID();", "crypto"],
  ["const x = { now: performance };", "performance"],
  ["const x = { process };", "process"],
  ["console.log(1);", "console"],
  ["const x = import('./b.js');", "import()"],
  ["const x = import.meta.url;", "import.meta"],
  ["export const f = () => Promise.resolve(1);", "Promise"],
])("%s is refused", (text, what) => {
  expect(found(text)).toContain(what);
});

test.each([
  "export const at = (ms: number) => new Date(ms).toISOString();",
  "export const top = (a: number, b: number) => Math.max(a, b);",
  "export interface Rank { process: number; setTimeout: string }",
  "export const size = (rank: { process: number }) => rank.process;",
  "export const made = { process: 1 };",
  "for (const process of lease.processes) kill(process.pid);",
  "export const size = (processes: { pid: number }[]) => processes.map((process) => process.pid);",
  "const { process } = lease; kill(process.pid);",
])("%s is pure", (text) => {
  expect(found(text)).toEqual([]);
});

test("the check names file and line, and leaves tests and adapters alone", () => {
  const root = mkdtempSync(join(tmpdir(), "stoker-core-"));
  for (const folder of ["agent/core/deep", "agent/mounts"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "agent/core/deep/a.ts"), "const a = 1;\nexport const b = a + Date.now();\n");
  writeFileSync(join(root, "agent/core/a.test.ts"), "await Promise.resolve();\n");
  writeFileSync(join(root, "agent/mounts/b.ts"), "export const b = Date.now();\n");
  expect(checkCores(root)).toEqual(["agent/core/deep/a.ts:2: Date.now does not belong in core/"]);
  rmSync(root, { recursive: true });
});
