import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "stoker-rules-"));
  for (const file of [".dependency-cruiser.cjs", "tsconfig.json", "package.json"]) {
    cpSync(join(root, file), join(tree, file));
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

/** Names of the rules that a tree of these files breaks. */
function broken(files: Record<string, string>): string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const folders = [...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? path))];
  const program = join(root, "node_modules/.bin/depcruise");
  const run = spawnSync(program, ["--config", ".dependency-cruiser.cjs", "--output-type", "json", ...folders], {
    cwd: tree,
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  const { summary } = JSON.parse(run.stdout) as { summary: { violations: Array<{ rule: { name: string } }> } };
  return [...new Set(summary.violations.map((violation) => violation.rule.name))].sort();
}

const value = "export const value = 1;\n";
const type = "export interface Shape { size: number }\n";

test("a tree that keeps the rules is accepted", () => {
  expect(
    broken({
      "shared/ids.ts": value,
      "shared/gen/stoker/v1/job_pb.ts": type,
      "coordinator/core/job.ts": `import { value } from "../../shared/ids.js";
        import type { Shape } from "../../shared/gen/stoker/v1/job_pb.js";
        export const shape: Shape = { size: value };`,
      "coordinator/engine.ts": `import { shape } from "./core/job.js"; console.log(shape);`,
      "coordinator/catalog/writer.ts": `import Database from "better-sqlite3"; console.log(Database);`,
      "test/all.ts": `import "../coordinator/engine.js";`,
    }),
  ).toEqual([]);
});

const planted: Array<[rule: string, files: Record<string, string>]> = [
  ["coordinator-alone", { "coordinator/a.ts": `import "../agent/b.js";`, "agent/b.ts": value }],
  ["agent-alone", { "agent/a.ts": `import "../cli/b.js";`, "cli/b.ts": value }],
  ["cli-alone", { "cli/a.ts": `import "../coordinator/b.js";`, "coordinator/b.ts": value }],
  ["test-aids-in-tests", { "cli/a.ts": `import "../test/b.js";`, "test/b.ts": value }],
  ["shared-alone", { "shared/a.ts": `import "../cli/b.js";`, "cli/b.ts": value }],
  ["core-pure", { "agent/core/a.ts": `import "node:fs";` }],
  ["core-pure", { "coordinator/core/a.ts": `import "zod";` }],
  ["core-pure", { "coordinator/core/a.ts": `import "../catalog/b.js";`, "coordinator/catalog/b.ts": value }],
  ["core-pure", { "coordinator/core/a.ts": `import "../../shared/clock.js";`, "shared/clock.ts": value }],
  [
    "core-gen-types-only",
    {
      "agent/core/a.ts": `import { value } from "../../shared/gen/x_pb.js"; console.log(value);`,
      "shared/gen/x_pb.ts": value,
    },
  ],
  ["core-tests-pure", { "agent/core/a.test.ts": `import "../mounts/b.js";`, "agent/mounts/b.ts": value }],
  ["adapters-apart", { "agent/mounts/a.ts": `import "../logs/b.js";`, "agent/logs/b.ts": value }],
  ["adapters-know-no-root", { "agent/mounts/a.ts": `import "../agent.js";`, "agent/agent.ts": value }],
  ["sql-in-catalog", { "coordinator/api/a.ts": `import "better-sqlite3";` }],
  ["nats-in-its-adapters", { "coordinator/catalog/a.ts": `import "@nats-io/jetstream";` }],
  [
    "no-cycles",
    {
      "cli/a.ts": `import { b } from "./b.js"; export const a = () => b;`,
      "cli/b.ts": `import { a } from "./a.js"; export const b = () => a;`,
    },
  ],
  ["resolvable", { "cli/a.ts": `import "./nowhere.js";` }],
];

test.each(planted)("%s catches %o", (rule, files) => {
  expect(broken(files)).toContain(rule);
});
