import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";

let folder: string;
let site: LocalSite;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-scaling-"));
  site = await LocalSite.start({
    folder,
    nodes: ["m1", "m2", "lent"],
    agentFlags: ["--cpus", "2"],
    flagsOf: (node) => (node === "lent" ? ["--reclaimable"] : []),
    coordinatorFlags: ["--scale-down-idle", "PT2S"],
  });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "e"]);
}, 60_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface JobShown {
  executionState: string;
  attempt: number;
  executionInfo?: { errors?: Array<{ code: string; message: string }> };
}
interface ClusterShown {
  currentNodeCount: number;
  allocationState: string;
  shortage: string;
  nodeStateCounts: Record<string, number>;
}

const cluster = (...words: string[]) => site.stoker(["cluster", words[0] ?? "", "-w", "lab", ...words.slice(1)]);
const shown = async (name: string) => JSON.parse(await cluster("show", "-n", name, "-o", "json")) as ClusterShown;
const jobPlace = ["-w", "lab", "-e", "e"];
const job = async (name: string) =>
  JSON.parse(await site.stoker(["job", "show", ...jobPlace, "-n", name, "-o", "json"])) as JobShown;

/** What the command line said at its submission. */
const said = new Map<string, string>();

/** Runs until the file is there. */
async function submit(name: string, to: string, nodeCount = 1): Promise<() => void> {
  const go = join(folder, `${name}.go`);
  const body = join(folder, `${name}.json`);
  const commandLine = `until [ -e ${go} ]; do sleep 0.05; done`;
  writeFileSync(body, JSON.stringify({ nodeCount, customToolkitSettings: { commandLine } }));
  const { code, stderr } = await site.run(["job", "create", ...jobPlace, "-n", name, "-c", to, "-f", body]);
  expect(code).toBe(0);
  said.set(name, stderr);
  return () => writeFileSync(go, "");
}

const state = (name: string, wanted: string) =>
  until(`${name} is ${wanted}`, async () => (await job(name)).executionState === wanted || undefined, 30_000, 200);
const nodes = (name: string, count: number) =>
  until(
    `${name} has ${count} nodes`,
    async () => (await shown(name)).currentNodeCount === count || undefined,
    30_000,
    200,
  );

test("a cluster grows for its queue and shrinks when it is idle; a job larger than it waits with its reason", async () => {
  await cluster("create", "-n", "auto", "-s", "any", "--min", "0", "--max", "1");
  expect(await shown("auto")).toMatchObject({ currentNodeCount: 0, allocationState: "steady" });
  const end = await submit("small", "auto");
  await state("small", "running");
  expect((await shown("auto")).currentNodeCount).toBe(1);
  const endBig = await submit("big", "auto", 2);
  expect(said.get("big")).toMatch(/jobs\/big waits: cluster auto has at most 1; `stoker cluster auto-scale/);
  const why = await site.stoker(["job", "explain", ...jobPlace, "-n", "big"]);
  expect(why).toMatch(/cluster auto has at most 1; `stoker cluster auto-scale -w lab -n auto --min 0 --max 2`/);
  end();
  await state("small", "succeeded");
  await nodes("auto", 0);
  await cluster("auto-scale", "-n", "auto", "--min", "0", "--max", "3");
  await state("big", "running");
  const screen = await site.stoker(["status"]);
  expect(screen).toMatch(/Health: +well/);
  expect(screen).toMatch(/Nodes: +3: 2 running, 1 free \(1 reclaimable\)/);
  expect(screen).toMatch(/Jobs: +1 running, 1 succeeded/);
  expect(screen).toMatch(/workspaces\/lab\/clusters\/auto +steady +2 +1 +0/);
  endBig();
  await state("big", "succeeded");
  await nodes("auto", 0);
}, 120_000);

test("a lent machine serves low-priority clusters alone, and its owner gets it back with a grace", async () => {
  await cluster("create", "-n", "low", "-s", "any", "-t", "1", "--vm-priority", "lowpriority");
  await cluster("create", "-n", "firm", "-s", "any", "-t", "3");
  await nodes("low", 1);
  const { shortage, nodeStateCounts } = await shown("firm");
  expect(shortage).toMatch(/2 of 3 nodes: of 3 machines of class any 1 are reclaimable/);
  expect(Object.values(nodeStateCounts).reduce((sum, count) => sum + count)).toBe(2);
  const end = await submit("lodger", "low");
  await state("lodger", "running");
  await site.stoker(["node", "reclaim", "-n", "lent", "--grace", "1", "--reason", "mine"]);
  await state("lodger", "queued");
  await nodes("low", 0);
  const told = JSON.parse(await site.stoker(["status", "-o", "json"])) as {
    waits: Array<{ jobId: string; reason: string }>;
    troubles: Array<{ id: string; kind: string; message: string }>;
    clusters: Array<{ id: string; shortage: string }>;
  };
  expect(told.waits).toMatchObject([{ jobId: "workspaces/lab/experiments/e/jobs/lodger" }]);
  expect(told.troubles).toMatchObject([{ id: "nodes/lent", kind: "drained", message: "reclaimed by its owner: mine" }]);
  expect(told.clusters.find(({ id }) => id.endsWith("/low"))?.shortage).toMatch(/1 were reclaimed by their owners/);
  await site.stoker(["node", "resume", "-n", "lent"]);
  await state("lodger", "running");
  end();
  await state("lodger", "succeeded");
  expect((await job("lodger")).attempt).toBe(2);
}, 120_000);

test("deleting a cluster ends its jobs, says so, and is over with the last; finished ones stay", async () => {
  await submit("runs", "firm");
  await submit("waits", "firm", 3);
  await state("runs", "running");
  await cluster("delete", "-n", "firm", "-y");
  const { code } = await site.run(["cluster", "show", "-w", "lab", "-n", "firm"]);
  expect(code).not.toBe(0);
  for (const name of ["runs", "waits"]) {
    expect(await job(name)).toMatchObject({
      executionState: "failed",
      executionInfo: { errors: [{ code: "JobTerminated", message: "its cluster firm was deleted" }] },
    });
  }
  expect(existsSync(join(folder, "runs.go"))).toBe(false);
}, 60_000);
