import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { canMount } from "../fakes/can-mount.js";

let folder: string;
let site: LocalSite;
const job = ["-w", "lab", "-e", "first"];

interface NodeShown {
  name: string;
  state: string;
  reason: string;
  clusterId: string;
  warnings: string[];
  error?: { code: string; details: Array<{ name: string; value: string }> };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-setup-"));
  site = await LocalSite.start({ folder, nodes: ["n1"] });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
}, 60_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

const shown = async <T>(...words: string[]): Promise<T> => JSON.parse(await site.stoker([...words, "-o", "json"])) as T;
const node = () => shown<NodeShown>("node", "show", "-n", "n1");

function reaches(...states: string[]): Promise<NodeShown> {
  return until(
    `n1 is ${states.join(" or ")}`,
    async () => {
      const found = await node();
      return states.includes(found.state) ? found : undefined;
    },
    60_000,
    200,
  );
}

async function cluster(name: string, commandLine: string, mountVolumes?: object): Promise<void> {
  const file = join(folder, `${name}.json`);
  const setupTask = { commandLine, stdOutErrPathPrefix: join(folder, "out") };
  const scaleSettings = { manual: { targetNodeCount: 1 } };
  writeFileSync(
    file,
    JSON.stringify({ properties: { vmSize: "any", scaleSettings, nodeSetup: { setupTask, mountVolumes } } }),
  );
  await site.stoker(["cluster", "create", "-w", "lab", "-n", name, "-f", file]);
}

async function remove(name: string): Promise<void> {
  await site.stoker(["cluster", "delete", "-w", "lab", "-n", name, "-y"]);
  await reaches("free");
}

test.skipIf(!canMount)(
  "examples/setup-task: volumes first, then the task with its variables and secret; a job uses what it made",
  async () => {
    await site.stoker(["cluster", "create", "-w", "lab", "-n", "numbers", "-f", "examples/setup-task/cluster.json"]);
    const { warnings } = await reaches("idle");
    expect(warnings).toEqual([expect.stringContaining("the admin account labadmin was not made")]);
    await site.stoker(["job", "create", ...job, "-n", "sum", "-c", "numbers", "-f", "examples/setup-task/job.json"]);
    expect((await site.run(["job", "wait", ...job, "-n", "sum"])).code).toBe(0);
    expect(await site.stoker(["job", "logs", ...job, "-n", "sum"])).toContain("sum 500500");

    const text = await site.stoker(["cluster", "show", "-w", "lab", "-n", "numbers", "-o", "json"]);
    expect(text).not.toMatch(/only-the-task-sees-this|never-shown/);
    const told = JSON.parse(text) as { nodeSetup: { setupTask: { stdOutErrPathSuffix: string } }; warnings: string[] };
    expect(told.warnings).toEqual([expect.stringMatching(/^n1: the admin account labadmin/)]);
    const { stdOutErrPathSuffix } = told.nodeSetup.setupTask;
    expect(stdOutErrPathSuffix).toMatch(/^workspaces\/lab\/clusters\/numbers\/[-0-9a-f]{36}$/);
    const output = (name: string) =>
      readFileSync(join(site.agentFolder("n1"), "mounts", "scratch", stdOutErrPathSuffix, name), "utf8");
    await until("the output is copied", () => output("execution-n1.log").includes("ended well") || undefined, 30_000);
    expect(output("stdout-n1.txt")).toBe("1000 numbers for n1\n");
    expect(output("stderr-n1.txt")).toBe("");
    expect(output("execution-n1.log")).toMatch(/its volumes are mounted[\s\S]*the setup task starts[\s\S]*ended well/);
    const logs = ["coordinator", "n1"].map((name) => readFileSync(join(folder, "logs", `${name}.log`), "utf8")).join();
    expect(logs).not.toMatch(/only-the-task-sees-this|never-shown/);
    await remove("numbers");
    expect(existsSync(join(site.agentFolder("n1"), "mounts", "scratch", "workspaces"))).toBe(false);
  },
  180_000,
);

test("a failed task makes the node unusable, says why to those who wait, and `node retry` repairs it", async () => {
  const mended = join(folder, "mended");
  await cluster("failing", `test -e ${mended} || { echo "there is no driver" >&2; exit 3; }`);
  expect((await reaches("unusable")).reason).toContain("it ended with exit code 3");
  const { errors, nodeStateCounts } = await shown<{
    errors: Array<{ code: string; details: Array<{ name: string; value: string }> }>;
    nodeStateCounts: Record<string, number>;
  }>("cluster", "show", "-w", "lab", "-n", "failing");
  expect(errors).toMatchObject([{ code: "SetupTaskFailed" }]);
  expect(errors[0]?.details).toEqual(
    expect.arrayContaining([
      { name: "Node", value: "n1" },
      { name: "ExitCode", value: "3" },
      { name: "Stderr", value: "there is no driver" },
    ]),
  );
  expect(nodeStateCounts).toMatchObject({ unusableNodeCount: 1, idleNodeCount: 0 });
  const body = join(folder, "true.json");
  writeFileSync(body, JSON.stringify({ nodeCount: 1, customToolkitSettings: { commandLine: "true" } }));
  await site.stoker(["job", "create", ...job, "-n", "waits", "-c", "failing", "-f", body]);
  expect(await site.stoker(["job", "explain", ...job, "-n", "waits"])).toMatch(/is unusable: the setup task failed/);
  writeFileSync(mended, "");
  expect(await site.stoker(["node", "retry", "n1"])).toContain("preparing");
  expect((await site.run(["job", "wait", ...job, "-n", "waits"])).code).toBe(0);
  const { errors: left } = await shown<{ errors: unknown[] }>("cluster", "show", "-w", "lab", "-n", "failing");
  expect(left).toEqual([]);
  await remove("failing");
}, 120_000);

test.skipIf(!canMount)(
  "a volume that can't be mounted makes the node unusable before any task is run; once it can be, the node is ready",
  async () => {
    const [filer, ran] = [join(folder, "filer"), join(folder, "ran")];
    const mountCommand = `test -e ${filer} && mount -t tmpfs tmpfs`;
    const volumes = { unmanagedFileSystems: [{ mountCommand, relativeMountPath: "data" }] };
    await cluster("far", `touch ${ran} && mountpoint $AZ_BATCHAI_MOUNT_ROOT/data`, volumes);
    const { reason, error } = await reaches("unusable");
    expect(reason).toContain("data could not be mounted");
    expect(error).toMatchObject({ code: "UnmanagedFileSystemMountError" });
    expect(error?.details).toContainEqual({ name: "Node", value: "n1" });
    expect(existsSync(ran)).toBe(false);
    writeFileSync(filer, "");
    await site.stoker(["node", "retry", "n1"]);
    await reaches("idle");
    expect(existsSync(ran)).toBe(true);
    await remove("far");
  },
  120_000,
);

test("is run once: not again for a new coordinator or agent, but after a reboot; an agent that is killed finds it running", async () => {
  const [runs, gate] = [join(folder, "runs"), join(folder, "gate")];
  await cluster("once", `echo run >> ${runs}; while ! test -e ${gate}; do sleep 0.1; done`);
  const count = () => (existsSync(runs) ? readFileSync(runs, "utf8").trim().split("\n").length : 0);
  await until("the task runs", () => count() === 1 || undefined, 60_000);
  await until("n1 says so", async () => (await node()).reason.includes("running the setup task") || undefined, 60_000);
  await site.stopAgent("n1", "SIGKILL");
  site.startAgent("n1");
  await until("n1 is back", async () => (await node()).reason.includes("running the setup task") || undefined, 60_000);
  writeFileSync(gate, "");
  await reaches("idle");
  expect(count()).toBe(1);

  await site.stopCoordinator("SIGKILL");
  await site.startCoordinator();
  await reaches("idle");
  await site.stopAgent("n1");
  site.startAgent("n1");
  await reaches("preparing", "unusable", "idle");
  await reaches("idle");
  expect(count()).toBe(1);

  await site.stopAgent("n1");
  const record = join(site.agentFolder("n1"), "setup", "prepared.json");
  writeFileSync(record, readFileSync(record, "utf8").replace(/"boot":"[^"]*"/, '"boot":"of-an-earlier-boot"'));
  site.startAgent("n1");
  await until("the task is run again", () => count() === 2 || undefined, 60_000);
  await reaches("idle");
  await remove("once");
}, 240_000);

test("a node that leaves ends its setup task, with all that this has started; services of one that ended well stay", async () => {
  const [pids, service] = [join(folder, "pids"), join(folder, "service")];
  await cluster("left", `(setsid sh -c 'echo $$ > ${pids}; exec sleep 600' &); sleep 600`);
  const started = await until(
    "it has started something",
    () => (existsSync(pids) ? Number(readFileSync(pids, "utf8")) : 0) || undefined,
    60_000,
  );
  await site.stoker(["cluster", "delete", "-w", "lab", "-n", "left", "-y"]);
  await until("it is gone", () => !existsSync(`/proc/${started}`) || undefined, 60_000);
  await reaches("free");

  await cluster("serving", `setsid sh -c 'echo $$ > ${service}; while :; do echo alive; sleep 0.2; done' &`);
  await reaches("idle");
  const pid = await until(
    "the service",
    () => (existsSync(service) ? Number(readFileSync(service, "utf8")) : 0) || undefined,
    60_000,
  );
  await remove("serving");
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  process.kill(pid, "SIGKILL");
}, 120_000);

test.skipIf(process.getuid?.() !== 0)(
  "the admin account is there before the task where the machine's owner allows it, and locked when the node leaves",
  async () => {
    const name = `stoker-e${process.pid % 100_000}`;
    onTestFinished(() => {
      spawnSync("userdel", ["--remove", "--force", name]);
    });
    await site.stopAgent("n1");
    site.options.agentFlags = ["--allow-admin-accounts"];
    site.startAgent("n1");
    const account = ["-u", name, "-k", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9uZQ", "-p", "correct horse"];
    const task = ["--setup-task", `id ${name}`, "--setup-task-output", join(folder, "out")];
    await site.stoker(["cluster", "create", "-w", "lab", "-n", "ours", "-s", "any", "-t", "1", ...account, ...task]);
    const { warnings } = await reaches("idle");
    expect(warnings).toEqual([]);
    const expiry = () => spawnSync("getent", ["shadow", name], { encoding: "utf8" }).stdout.trim().split(":")[7];
    expect(expiry()).toBe("");
    expect(readFileSync(`/home/${name}/.ssh/authorized_keys`, "utf8")).toContain("AAAAIG9uZQ");
    await remove("ours");
    await until("it is locked", () => expiry() === "1" || undefined, 60_000);
    expect(readFileSync(join(folder, "logs", "n1.log"), "utf8")).not.toContain("correct horse");
  },
  120_000,
);
