import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, run } from "./command.js";
import { checkCores } from "./core.js";
import { checkBreaking, checkGenerated, checkReleased } from "./proto.js";

export interface Check {
  name: string;
  run(root: string): Promise<Outcome>;
}

/** Everything that is checked without running Stoker, quickest first. */
export const checks: Check[] = [
  { name: "biome", run: (root) => run(root, "biome", ["check", "--error-on-warnings", "."]) },
  { name: "pure cores", run: async (root) => outcomeOf(checkCores(root)) },
  { name: "buf lint", run: (root) => run(root, "buf", ["lint"]) },
  { name: "buf breaking", run: checkBreaking },
  { name: "buf breaking, since the last release", run: checkReleased },
  { name: "generated code", run: checkGenerated },
  {
    name: "import rules",
    run: (root) => run(root, "depcruise", ["--config", ".dependency-cruiser.cjs", ...folders(root)]),
  },
  { name: "types", run: (root) => run(root, "tsc", ["--noEmit", "--project", "."]) },
];

const folders = (root: string) =>
  ["shared", "coordinator", "agent", "cli", "test", "scripts"].filter((folder) => existsSync(join(root, folder)));

const outcomeOf = (found: string[]): Outcome => ({
  status: found.length > 0 ? 1 : 0,
  output: found.map((line) => `${line}\n`).join(""),
});

/** Runs them all and tells of each; the number that failed. */
export async function runChecks(root: string): Promise<number> {
  let failed = 0;
  for (const check of checks) {
    const start = performance.now();
    const { status, output } = await check.run(root);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stdout.write(`${status === 0 ? "ok  " : "FAIL"} ${check.name} (${seconds} s)\n`);
    if (status !== 0) {
      failed++;
      process.stdout.write(`${output.replace(/^(?=.)/gm, "     ")}\n`);
    }
  }
  return failed;
}
