import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";

let folder: string;
let site: LocalSite;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-sweep-"));
  site = await LocalSite.start({ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "4"] });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "2"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
}, 60_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

const place = ["-w", "lab", "-e", "first"];

test("a sweep runs every combination, ranks the results, and runs again only what failed", async () => {
  const body = join(folder, "job.json");
  const marker = join(folder, "mended");
  const command = `echo "loss={{x}}.{{y}} $PARAM_X"; test {{x}} != 3 || test -e ${marker}`;
  writeFileSync(
    body,
    JSON.stringify({ nodeCount: 1, resources: { cpus: 1 }, customToolkitSettings: { commandLine: command } }),
  );
  const sweep = ["job", "sweep", "-n", "s", ...place, "-c", "all", "-f", body, "--grid", "x=1,2,3", "--grid", "y=5,6"];
  const results = ["--wait", "--metric", "loss=([0-9.]+)", "--lowest"];
  const first = await site.run([...sweep, "--max-running", "3", ...results]);
  expect(first.stderr).toContain("6 jobs of sweep s submitted");
  expect(first.code).toBe(1);
  const rows = first.stdout.trim().split("\n").slice(2);
  expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
    ["s-1", "1", "5", "succeeded", "0", "1.5"],
    ["s-2", "1", "6", "succeeded", "0", "1.6"],
    ["s-3", "2", "5", "succeeded", "0", "2.5"],
    ["s-4", "2", "6", "succeeded", "0", "2.6"],
    ["s-5", "3", "5", "failed", "1", "3.5"],
    ["s-6", "3", "6", "failed", "1", "3.6"],
  ]);

  writeFileSync(marker, "");
  const again = await site.run(["job", "sweep", "-n", "s", ...place, "--resubmit-failed", ...results, "-o", "json"]);
  expect(again.stderr).toContain("2 jobs of sweep s submitted");
  expect(again.code).toBe(0);
  const told = JSON.parse(again.stdout) as Array<{ name: string; state: string; metric: number; parameters: unknown }>;
  expect(told.map(({ name, state, metric }) => `${name} ${state} ${metric}`)).toEqual([
    "s-1 succeeded 1.5",
    "s-2 succeeded 1.6",
    "s-3 succeeded 2.5",
    "s-4 succeeded 2.6",
    "s-5-r1 succeeded 3.5",
    "s-6-r1 succeeded 3.6",
  ]);
  expect(told[4]?.parameters).toEqual({ x: "3", y: "5" });
}, 120_000);

test("what can't be submitted is told, and keeps nothing else from being made", async () => {
  const body = join(folder, "wide.json");
  writeFileSync(
    body,
    JSON.stringify({
      nodeCount: 1,
      resources: { cpus: "{{n}}" },
      customToolkitSettings: { commandLine: "true" },
    }),
  );
  const { code, stderr, stdout } = await site.run([
    "job",
    "sweep",
    "-n",
    "wide",
    ...place,
    "-c",
    "all",
    "-f",
    body,
    "--grid",
    "n=1,9",
    "--wait",
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/wide-2: resources.cpus: 9 asked, but no machine of all has more than 4/);
  expect(stdout).toMatch(/^wide-1 .*succeeded/m);
}, 120_000);

test("the example: rows of a table, a grid and a draw, ranked by what the jobs print", async () => {
  const example = resolve(import.meta.dirname, "../../examples/sweep");
  const common = ["job", "sweep", ...place, "-c", "all", "-f", join(example, "job.json"), "--grid", "cpus=1"];
  const results = ["--metric", "loss=([0-9.]+)", "--lowest", "--wait", "-o", "json"];
  const swept = async (name: string, ...words: string[]) =>
    JSON.parse(await site.stoker([...common, "-n", name, ...words, ...results])) as Array<{
      name: string;
      metric: number;
      parameters: Record<string, string>;
    }>;
  const rows = await swept("rows", "--lines", join(example, "parameters.csv"));
  expect(rows.map(({ name, parameters }) => [name, parameters.lr, parameters.steps])).toEqual([
    ["rows-1", "0.4", "10"],
    ["rows-3", "0.1", "40"],
    ["rows-2", "0.1", "10"],
    ["rows-4", "0.01", "40"],
  ]);
  const drawn = await swept(
    "drawn",
    "--grid",
    "lr=log:1e-3..0.5",
    "--grid",
    "steps=int:5..50",
    "--random",
    "n=4,seed=1",
  );
  expect(drawn).toHaveLength(4);
  const metrics = drawn.map(({ metric }) => metric);
  expect(metrics).toEqual([...metrics].sort((a, b) => a - b));
}, 120_000);

test("a sweep that nobody began is a mistake", async () => {
  const { code, stderr } = await site.run(["job", "sweep", "-n", "none", ...place]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/there is no sweep none/);
});
