import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { processesWith, until } from "../../scripts/site/processes.js";
import { openMpiFiles, openMpiPrograms } from "../fakes/open-mpi.js";
import { PodmanMachine } from "../fakes/podman-machine.js";

let folder: string;
let podman: PodmanMachine;
let site: LocalSite;
const job = ["-w", "lab", "-e", "first"];
const image = "localhost/stoker-example:1";
const example = resolve(import.meta.dirname, "../../examples/container/job.json");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-container-"));
  podman = new PodmanMachine(join(folder, "podman"));
  podman.makeImage(image, ["tail", ...openMpiPrograms], openMpiFiles);
  const enter = ["/usr/bin/env", ...Object.entries(podman.environment).map(([name, value]) => `${name}=${value}`)];
  mkdirSync(join(folder, "site"));
  site = await LocalSite.start({ folder: join(folder, "site"), nodes: ["n1", "n2"], agentEnter: enter });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "c", "-t", "2", "-s", "any"]);
}, 120_000);

afterAll(async () => {
  await site?.stop();
  podman?.remove();
  rmSync(folder, { recursive: true, force: true });
});

// Whatever a job's end was.
afterEach(() => until("its container is gone", () => podman.containers().length === 0, 60_000, 200));

interface JobShown {
  jobOutputDirectoryPathSegment: string;
  attempts: Array<{ state: string; reason: string; nodes: Array<{ name: string }> }>;
  executionState: string;
  executionInfo: { exitCode: number; errors: Array<{ code: string; message: string; details: unknown[] }> };
}

const shown = async (name: string) =>
  JSON.parse(await site.stoker(["job", "show", ...job, "-n", name, "-o", "json"])) as JobShown;

async function create(name: string, properties: object): Promise<void> {
  const file = join(folder, `${name}.json`);
  const stdOutErrPathPrefix = join(folder, "std");
  const containerSettings = { imageSourceRegistry: { image } };
  const body = { nodeCount: 1, stdOutErrPathPrefix, containerSettings, ...properties };
  writeFileSync(file, JSON.stringify({ properties: body }));
  await site.stoker(["job", "create", ...job, "-n", name, "-c", "c", "-f", file]);
}

const logs = (name: string) => site.stoker(["job", "logs", ...job, "-n", name]);
const ends = async (name: string) => (await site.run(["job", "wait", ...job, "-n", name])).code;
const command = (commandLine: string) => ({ customToolkitSettings: { commandLine } });

async function executionLog(name: string): Promise<string> {
  const { jobOutputDirectoryPathSegment: segment } = await shown(name);
  return readFileSync(join(folder, "std", segment, "stdouterr/execution.log"), "utf8");
}

test("examples/container: both ranks see what preparation installed and its ~/.bashrc, as root, with shared memory", async () => {
  expect(await site.stoker(["node", "show", "-n", "n1"])).toMatch(/^Containers: +podman \d/m);
  await site.stoker(["job", "create", ...job, "-n", "greet", "-c", "c", "-f", example]);
  expect(await ends("greet")).toBe(0);
  const text = await logs("greet");
  for (const rank of [0, 1]) expect(text).toContain(`[${rank}] hello from rank ${rank}, as 0, shm 131072\n`);
}, 120_000);

test("paths, variables and the std directory are the machine's, the exit code is the program's", async () => {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "in"), "from the machine\n");
  await create("paths", {
    inputDirectories: [
      { id: "DATA", path: data },
      { id: "NONE", path: join(folder, "not-there") },
    ],
    outputDirectories: [{ id: "OUT", pathPrefix: join(folder, "results") }],
    environmentVariables: [{ name: "WHERE", value: "$AZ_BATCHAI_INPUT_DATA" }],
    secrets: [{ name: "KEY", value: "a $HOME\nsecret" }],
    ...command(
      'cat "$WHERE/in"; printf "%s" "$KEY" > "$AZ_BATCHAI_OUTPUT_OUT/key"; [ -d "$AZ_BATCHAI_MOUNT_ROOT" ] && [ -d "$AZ_BATCHAI_JOB_MOUNT_ROOT" ] && [ ! -e /usr/bin/apt-get ] && [ -r "$AZ_BATCHAI_MPI_HOST_FILE" ] && [ "$PWD" = "$AZ_BATCHAI_JOB_TEMP" ] && pwd > "$AZ_BATCHAI_OUTPUT_OUT/where"; exit 7',
    ),
  });
  expect(await ends("paths")).not.toBe(0);
  expect((await shown("paths")).executionInfo.exitCode).toBe(7);
  expect(await logs("paths")).toContain("from the machine\n");
  const { jobOutputDirectoryPathSegment: segment } = await shown("paths");
  expect(readFileSync(join(folder, "results", segment, "outputs/key"), "utf8")).toBe("a $HOME\nsecret");
  expect(existsSync(join(folder, "results", segment, "outputs/where"))).toBe(true);
  expect(await executionLog("paths")).toMatch(
    /starting a container of localhost\/stoker-example:1\n.*the container stoker-/,
  );
}, 120_000);

test("MPI's launcher, its daemons and ssh reach the containers of the job's other nodes", async () => {
  await create("mpi", {
    nodeCount: 2,
    jobPreparation: { commandLine: "echo $STOKER_NODE > /mark; echo 'export BASHRC=read' >> ~/.bashrc" },
    customMpiSettings: {
      commandLine:
        'echo "rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE in $(cat /mark), $BASHRC; ssh: $(ssh n1 cat /mark)$(ssh n2 cat /mark)"',
    },
  });
  expect(await ends("mpi"), await site.stoker(["job", "show", ...job, "-n", "mpi", "-o", "json"])).toBe(0);
  const lines = (await logs("mpi")).split("\n");
  for (const rank of [0, 1])
    expect(lines).toContainEqual(expect.stringContaining(`rank ${rank} of 2 in n${rank + 1}, read; ssh: n1n2`));
}, 120_000);

test("a restarted agent goes on with its container; terminating ends all that runs in it", async () => {
  await create("long", command("trap '' TERM; (setsid env -i sleep 5000 &) ; echo begun; tail -f /dev/null"));
  await until("it has begun", async () => (await logs("long")).includes("begun"), 60_000, 300);
  await site.stopAgent("n1", "SIGKILL");
  site.startAgent("n1");
  await until("its agent is there again", async () => /running/.test(await site.stoker(["node", "list"])), 60_000, 300);
  expect(podman.containers()).toHaveLength(1);
  await site.stoker(["job", "terminate", ...job, "-n", "long", "-y"]);
  expect(await ends("long")).not.toBe(0);
  expect((await shown("long")).executionInfo.errors[0]?.code).toBe("JobTerminated");
  expect(processesWith("sleep\x005000")).toEqual([]);
}, 120_000);

test("a rank that is killed is told as that", async () => {
  await create("killed", command("kill -9 $$"));
  await ends("killed");
  expect((await shown("killed")).executionInfo.exitCode).toBe(137);
}, 120_000);

test("a container that somebody removes is missed: its attempt ends with that, and another runs elsewhere", async () => {
  const marks = join(folder, "marks");
  mkdirSync(marks);
  await create("removed", {
    outputDirectories: [{ id: "MARKS", pathPrefix: marks }],
    ...command('if mkdir "$AZ_BATCHAI_OUTPUT_MARKS/begun"; then echo begun; tail -f /dev/null; else echo again; fi'),
  });
  await until("it has begun", async () => (await logs("removed")).includes("begun"), 60_000, 300);
  const { jobOutputDirectoryPathSegment: segment } = await shown("removed");
  const own = podman.containers().filter((name) => name.endsWith(`-${basename(segment)}.1`));
  expect(own).toHaveLength(1);
  expect(podman.run("rm", "--force", "--time", "0", ...own)).toMatchObject({ status: 0 });
  expect(await ends("removed")).toBe(0);
  const { attempts } = await shown("removed");
  expect(attempts.map(({ state }) => state)).toEqual(["failed", "succeeded"]);
  expect(attempts[0]?.reason).toMatch(/^on node n\d: its container was ended from outside, not by its agent/);
  expect(attempts[1]?.nodes[0]?.name).not.toBe(attempts[0]?.nodes[0]?.name);
  expect(processesWith("tail\x00-f\x00/dev/null")).toEqual([]);
}, 120_000);

test("an image that can't be had fails the job with its name and podman's words; the password is told to nobody", async () => {
  const password = "not-to-be-seen-$HOME";
  const credentials = { username: "$oauthtoken", password };
  const imageSourceRegistry = { image: "127.0.0.1:9/none/such:1", serverUrl: "127.0.0.1:9", credentials };
  await create("missing", { containerSettings: { imageSourceRegistry }, ...command("true") });
  await ends("missing");
  const { executionInfo } = await shown("missing");
  expect(executionInfo.errors[0]).toMatchObject({
    code: "FailedStartingContainer",
    message: expect.stringMatching(/^podman could not pull 127\.0\.0\.1:9\/none\/such:1: .*refused/),
  });
  expect(executionInfo.errors[0]?.details).toContainEqual({ name: "imageName", value: "127.0.0.1:9/none/such:1" });
  const log = await executionLog("missing");
  // Podman 5 warns of control groups of version 1 first.
  expect(log).toMatch(/pulling 127\.0\.0\.1:9\/none\/such:1\n(?:.* pull: time=.*\n)*.* pull: Trying to pull /);
  expect(
    `${log}${JSON.stringify(executionInfo)}${readFileSync(join(folder, "site/logs/n1.log"), "utf8")}`,
  ).not.toContain(password);
}, 120_000);
