import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test as plain } from "vitest";
import { mountsUnder } from "../../agent/mounts/mountinfo.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import { freePort, until } from "../../scripts/site/processes.js";
import { NfsStandIn } from "../fakes/nfs-stand-in.js";

/** NFS-Ganesha serves, nfs-cat (of libnfs-utils) reads as a client does; jobs mount by a stand-in where the kernel has no client. */
const programs = ["ganesha.nfsd", "nfs-cat"];
const possible =
  process.getuid?.() === 0 &&
  programs.every((program) => {
    try {
      execFileSync("sh", ["-c", `command -v ${program}`]);
      return true;
    } catch {
      return false;
    }
  });
const test = plain.skipIf(!possible);

let folder: string;
let offered: string;
let port: number;
let standIn: NfsStandIn;
let site: LocalSite;
const lab = ["-w", "lab"];

beforeAll(async () => {
  if (!possible) return;
  folder = mkdtempSync(join(tmpdir(), "stoker-served-"));
  offered = join(folder, "offered");
  port = await freePort();
  standIn = new NfsStandIn(folder);
  const serving = ["--serve-files", offered, "--nfs-port", String(port), "--system-path", standIn.path];
  site = await LocalSite.start({ folder, nodes: ["n1"], agentFlags: ["--cpus", "4", ...serving] });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["experiment", "create", ...lab, "-n", "first"]);
}, 60_000);

afterAll(async () => {
  if (!possible) return;
  await site.stop();
  // What a cluster has mounted stays for the next agent.
  for (const { path } of mountsUnder(folder)) execFileSync("umount", ["-l", path]);
  rmSync(folder, { recursive: true, force: true });
});

interface FileServer {
  provisioningState: string;
  nodeId: string;
  directory: string;
  mountSettings: { mountPoint: string; fileServerInternalIP: string };
  errors: Array<{ message: string }>;
}
const show = async (name: string) => {
  const text = await site.stoker(["file-server", "show", ...lab, "-n", name, "-o", "json"]);
  const { properties = {}, ...rest } = JSON.parse(text) as { properties?: object };
  return { ...rest, ...properties } as FileServer;
};
/** As an NFS client sees it. */
const read = (path: string) =>
  execFileSync("nfs-cat", [`nfs://127.0.0.1${path}?version=4&nfsport=${port}`], { stdio: ["ignore", "pipe", "ignore"] })
    .toString()
    .trim();
/** Unlike its content, this is given while a server that was started anew still waits for what its clients hold. */
const isListed = (mountPoint: string, name: string): true | undefined => {
  try {
    const words = [`nfs://127.0.0.1${mountPoint}?version=4&nfsport=${port}`];
    return execFileSync("nfs-ls", words, { stdio: ["ignore", "pipe", "ignore"] }).includes(name) || undefined;
  } catch {
    return undefined;
  }
};
const ganesha = () => Number(readFileSync(join(site.agentFolder("n1"), "exports/ganesha.pid"), "utf8"));

async function runJob(name: string, cluster: string, body: object): Promise<{ code: number; stderr: string }> {
  const path = join(folder, `${name}.json`);
  const job = { nodeCount: 1, resources: { cpus: 1 }, ...body };
  writeFileSync(path, JSON.stringify(job));
  await site.stoker(["job", "create", ...lab, "-e", "first", "-n", name, "-c", cluster, "-f", path]);
  return site.run(["job", "wait", ...lab, "-e", "first", "-n", name]);
}

test("Batch AI's own file-server body is served by the machine that is offered, and read by a client", async () => {
  const body = join(import.meta.dirname, "../../examples/storage/file-server.json");
  await site.stoker(["file-server", "create", ...lab, "-n", "data", "-f", body]);
  const found = await show("data");
  expect(found).toMatchObject({
    ...{ provisioningState: "succeeded", nodeId: "nodes/n1", directory: join(offered, "lab/data") },
    mountSettings: { mountPoint: "/data", fileServerInternalIP: "127.0.0.1" },
  });
  const table = (await site.stoker(["file-server", "list", ...lab])).split("\n");
  expect(table[0]).toMatch(/Name +Workspace +Size +Disks +Public IP +Internal IP +Mount Point/);
  expect(table[2]).toMatch(/data +lab +STANDARD_D2_V2 +2 x 10 Gb +127.0.0.1 +127.0.0.1 +\/data/);
  writeFileSync(join(found.directory, "hello"), "from the server\n");
  expect(read("/data/hello")).toBe("from the server");
}, 60_000);

test("a second one beside it, and a job that mounts both, besides a command's volume", async () => {
  const directory = join(offered, "second");
  await site.stoker(["file-server", "create", ...lab, "-n", "two", "--node", "n1", "--directory", directory]);
  const second = (await show("two")).mountSettings.mountPoint;
  expect(second).toBe("/data-two");
  standIn.export("127.0.0.1:/data", join(offered, "lab/data"));
  standIn.export("127.0.0.1:/data-two", directory);
  mkdirSync(join(offered, "lab/data/sub"));
  await site.stoker(["cluster", "create", ...lab, "-n", "all", "-s", "any", "-t", "1"]);
  const root = "$AZ_BATCHAI_JOB_MOUNT_ROOT";
  const { code } = await runJob("both", "all", {
    mountVolumes: {
      fileServers: [
        { fileServer: { id: "data" }, relativeMountPath: "in", sourceDirectory: "sub", mountOptions: "ro" },
        { fileServer: { id: "two" }, relativeMountPath: "out" },
      ],
      unmanagedFileSystems: [{ mountCommand: "mount -t tmpfs tmpfs", relativeMountPath: "scratch" }],
    },
    customToolkitSettings: {
      commandLine: `for v in in out scratch; do mountpoint -q ${root}/$v || exit 3; done; echo written > ${root}/out/by-the-job`,
    },
  });
  expect(code).toBe(0);
  expect(read(`${second}/by-the-job`)).toBe("written");
  expect(standIn.calls).toEqual(
    expect.arrayContaining([
      expect.stringMatching(new RegExp(`^-t nfs -o ro,port=${port},nosuid,nodev 127.0.0.1:/data/sub .*/in$`)),
      expect.stringMatching(new RegExp(`^-t nfs -o port=${port},nosuid,nodev 127.0.0.1:/data-two .*/out$`)),
    ]),
  );
  const mounted = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  expect(mounted.filter((line) => line.includes(`${site.agentFolder("n1")}/job-mounts`))).toEqual([]);
}, 60_000);

test("the storage of every kind in examples/storage is what its job reads and writes", async () => {
  const example = (name: string) => join(import.meta.dirname, "../../examples/storage", name);
  const directory = join(offered, "lab/data");
  for (const part of ["results", "azure/research/logs", "azure/research/words"]) {
    mkdirSync(join(directory, part), { recursive: true });
  }
  writeFileSync(join(directory, "azure/research/words/list"), "pear\napple\nfig\n");
  await site.stoker(["storage", "map", ...lab, "research/*", "data/azure/{account}/{share}"]);
  await site.stoker(["cluster", "delete", ...lab, "-n", "all", "-y"]);
  await site.stoker(["cluster", "create", ...lab, "-n", "readers", "-f", example("cluster.json")]);
  const job = [...lab, "-e", "first", "-n", "sort"];
  await site.stoker(["job", "create", ...job, "-c", "readers", "-f", example("job.json")]);
  expect(await site.run(["job", "wait", ...job])).toMatchObject({ code: 0 });
  expect(await site.stoker(["job", "logs", ...job])).toBe("apple\nfig\npear\n");
  expect(readFileSync(join(directory, "results/sorted"), "utf8")).toBe("apple\nfig\npear\n");
  const written = execFileSync("find", [join(directory, "azure/research/logs"), "-name", "stdout.txt"])
    .toString()
    .trim();
  expect(readFileSync(written, "utf8")).toBe("apple\nfig\npear\n");
}, 60_000);

test("a volume that can't be mounted fails its job with the code, the target and the node", async () => {
  await site.stoker(["file-server", "create", ...lab, "-n", "gone", "--existing", "nowhere:/export"]);
  const { code } = await runJob("unmountable", "readers", {
    mountVolumes: { fileServers: [{ fileServer: { id: "gone" }, relativeMountPath: "x" }] },
    customToolkitSettings: { commandLine: "true" },
  });
  expect(code).not.toBe(0);
  const text = await site.stoker(["job", "show", ...lab, "-e", "first", "-n", "unmountable", "-o", "json"]);
  for (const told of ["NFSMountError", "No route to host", '"nowhere"', '"/export"', '"n1"'])
    expect(text).toContain(told);
}, 60_000);

test("the server outlives its agent's death, is found again, and is started again when it dies", async () => {
  const before = ganesha();
  await site.stopAgent("n1", "SIGKILL");
  expect(read("/data/hello")).toBe("from the server");
  site.startAgent("n1");
  await until(
    "its agent is back",
    async () => (await site.stoker(["node", "list"])).includes("idle") || undefined,
    30_000,
  );
  expect(ganesha()).toBe(before);
  expect((await show("data")).provisioningState).toBe("succeeded");
  process.kill(before, "SIGKILL");
  await until("it serves again", () => isListed("/data", "hello"), 60_000);
  expect(ganesha()).not.toBe(before);
}, 60_000);

test("a folder outside of what the owner offers is not served, and the words say so", async () => {
  const outside = join(folder, "outside");
  const made = await site.run(["file-server", "create", ...lab, "-n", "no", "--node", "n1", "--directory", outside]);
  expect(made.code).toBe(1);
  expect(made.stderr).toContain(`${outside} is not below it`);
  expect((await show("no")).provisioningState).toBe("failed");
  await site.stoker(["file-server", "delete", ...lab, "-n", "no", "-y"]);
  expect(existsSync(outside)).toBe(false);
}, 60_000);

test("a deleted one is served no longer, keeps its files, and says where they are", async () => {
  expect(isListed("/data-two", "by-the-job")).toBe(true);
  const { stderr } = await site.run(["file-server", "delete", ...lab, "-n", "two", "-y"]);
  expect(stderr).toContain(`its files are still there, in n1:${join(offered, "second")}`);
  expect(isListed("/data-two", "by-the-job")).toBe(undefined);
  expect(readFileSync(join(offered, "second/by-the-job"), "utf8")).toBe("written\n");
  expect(isListed("/data", "hello")).toBe(true);
}, 60_000);
