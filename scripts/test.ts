import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildAll } from "./build.js";
import { checks, runChecks } from "./check/index.js";
import { type Tally, tallyOf } from "./check/tally.js";

/** `npm test`: build, checks, tests; all of them run, whichever fails. The last line counts them. */
const root = resolve(import.meta.dirname, "..");

const built = await buildAll(root).then(
  () => true,
  (error: unknown) => {
    process.stdout.write(`FAIL build\n${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  },
);
const broken = await runChecks(root);
// Without programs most tests would only wait for their deadlines.
const tests = built ? runTests(process.argv.slice(2)) : { passed: 0, failed: 1 };
const passed = checks.length - broken + tests.passed;
const failed = broken + tests.failed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function runTests(names: string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "stoker-test-"));
  const report = join(folder, "report.json");
  const vitest = join(root, "node_modules/.bin/vitest");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  try {
    const { status } = spawnSync(vitest, ["run", ...reporters, ...names], { cwd: root, stdio: "inherit" });
    return tallyOf(existsSync(report) ? readFileSync(report, "utf8") : undefined, status ?? 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
