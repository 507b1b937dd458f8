import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { ClusterSpec } from "../shared/gen/stoker/v1/cluster_pb.js";
import { views } from "./output/views/index.js";
import { FakeCoordinator } from "./testing/fake-coordinator.js";
import { FakeWorld } from "./testing/fake-world.js";

/** Every command of `az batchai` with every option: what a script of its time says is understood. */
const account = ["-u --user-name", "-k --ssh-key", "-p --password", "--generate-ssh-keys"];
const storage = [
  ...["--storage-account-name", "--storage-account-key", "--afs-name", "--afs-mount-path"],
  ...["--bfs-name", "--bfs-mount-path", "--nfs", "--nfs-mount-path"],
];
const nodes = ["-s --vm-size", "-i --image", "--custom-image", "-t --target", "--min", "--max", "--vm-priority"];
const exec = ["-n --node-id", "--exec", "-L --address"];
const remove = ["-y --yes", "--no-wait"];

const commands: Record<string, string[]> = {
  "workspace create": ["-n --name", "-l --location"],
  "workspace show": ["-n --name"],
  "workspace list": [],
  "workspace delete": ["-n --name", ...remove],
  "cluster create": [
    ...["-n --name", "-w --workspace", "-f --config-file", ...account, ...nodes, ...storage],
    ...["--use-auto-storage", "--setup-task", "--setup-task-output", "--subnet"],
  ],
  "cluster show": ["-n --name", "-w --workspace"],
  "cluster list": ["-w --workspace"],
  "cluster delete": ["-n --name", "-w --workspace", ...remove],
  "cluster resize": ["-n --name", "-w --workspace", "-t --target"],
  "cluster auto-scale": ["-n --name", "-w --workspace", "--min", "--max"],
  "cluster node list": ["-c --cluster", "-w --workspace"],
  "cluster node exec": ["-c --cluster", "-w --workspace", ...exec],
  "cluster file list": ["-c --cluster", "-w --workspace", "-p --path", "--expiry"],
  "experiment create": ["-n --name", "-w --workspace"],
  "experiment show": ["-n --name", "-w --workspace"],
  "experiment list": ["-w --workspace"],
  "experiment delete": ["-n --name", "-w --workspace", ...remove],
  "job create": ["-n --name", "-w --workspace", "-e --experiment", "-c --cluster", "-f --config-file", ...storage],
  "job show": ["-n --name", "-w --workspace", "-e --experiment"],
  "job list": ["-w --workspace", "-e --experiment"],
  "job delete": ["-n --name", "-w --workspace", "-e --experiment", ...remove],
  "job terminate": ["-n --name", "-w --workspace", "-e --experiment", "-y --yes"],
  "job wait": ["-n --name", "-w --workspace", "-e --experiment"],
  "job file list": [
    "-j --job",
    "-w --workspace",
    "-e --experiment",
    "-d --output-directory-id",
    "-p --path",
    "--expiry",
  ],
  "job file stream": [
    ...["-j --job", "-w --workspace", "-e --experiment", "-f --file-name"],
    ...["-d --output-directory-id", "-p --path"],
  ],
  "job node list": ["-j --job", "-w --workspace", "-e --experiment"],
  "job node exec": ["-j --job", "-w --workspace", "-e --experiment", ...exec],
  "file-server create": [
    ...["-n --name", "-w --workspace", "-f --config-file", "-s --vm-size", "--disk-count", "--disk-size"],
    ...["--storage-sku", "--caching-type", ...account, "--subnet", "--no-wait"],
  ],
  "file-server show": ["-n --name", "-w --workspace"],
  "file-server list": ["-w --workspace"],
  "file-server delete": ["-n --name", "-w --workspace", ...remove],
  "list-usages": [],
};

test.each(Object.entries(commands))("%s", async (command, options) => {
  const world = new FakeWorld();
  expect(await world.run(...command.split(" "), "--help")).toBe(0);
  for (const option of [...options, "-o --output"]) {
    const [first = "", second] = option.split(" ");
    const written =
      second === undefined ? new RegExp(`^ +(-\\w, )?${first}\\b`, "m") : new RegExp(`^ +${first}, ${second}\\b`, "m");
    expect(world.stdout).toMatch(written);
  }
});

/** Words that older scripts have: read as far as the missing name of a workspace, and not shown in the help. */
test.each([
  ["job show -n j -g group", /which (experiment|workspace)/],
  ["job wait -n j --interval 5", /which (experiment|workspace)/],
  ["cluster create -n c -l eastus -c cluster.json", /which workspace/],
  ["file-server create -n f -l eastus -c body.json", /which workspace/],
  ["job create -n j -r gpus -c job.json -l eastus", /which experiment/],
  ["cluster list-nodes -n c", /which workspace/],
  ["job list-files -n j -d stdouterr", /which experiment/],
  ["job stream-file -j j -n stdout.txt -d stdouterr", /which experiment/],
  ["cluster node exec -c c -k key -p password --exec true", /which workspace/],
])("%s", async (words, asked) => {
  const world = new FakeWorld();
  expect(await world.run(...words.split(" "))).toBe(2);
  expect(world.stderr).toMatch(asked);
  expect(world.stderr).not.toMatch(/unknown/);
});

test.each([
  ["cluster", ["Name", "Workspace", "VM Size", "State", "Idle", "Running", "Preparing", "Leaving", "Unusable"]],
  ["job", ["Name", "Cluster", "Cluster Workspace", "Tool", "Nodes", "State", "Exit code"]],
  ["fileServer", ["Name", "Workspace", "Size", "Disks", "Public IP", "Internal IP", "Mount Point"]],
  ["file", ["Name", "Type", "Size", "Modified"]],
  ["experiment", ["Name", "Workspace", "State"]],
  ["workspace", ["Name", "Location", "State"]],
] as const)("the table of a %s has the columns of az batchai, without resource groups", (kind, columns) => {
  expect(views[kind].headers).toEqual(columns);
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** What `cluster create` with these words sends. */
async function created(words: string[], home = mkdtempSync(join(tmpdir(), "stoker-home-"))) {
  folders.push(home);
  let sent: ClusterSpec | undefined;
  const coordinator = await FakeCoordinator.start({
    clusters: {
      createCluster: ({ name, spec }) => {
        sent = spec;
        return { cluster: { name, id: `workspaces/lab/clusters/${name}`, spec } };
      },
    },
  });
  const world = coordinator.world();
  world.environment.HOME = home;
  const code = await world.run("cluster", "create", "-n", "c", "-s", "any", ...words);
  coordinator.crash();
  return { code, sent, stdout: world.stdout, stderr: world.stderr, home };
}

test("an admin account is made only when one is asked for", async () => {
  expect((await created([])).sent?.userAccountSettings).toBeUndefined();
});

test("without a name the account is called as its owner, with the owner's key", async () => {
  const home = mkdtempSync(join(tmpdir(), "stoker-home-"));
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh/id_rsa.pub"), "ssh-rsa AAAA me\n");
  const { sent } = await created(["-p", "secret"], home);
  expect(sent?.userAccountSettings).toMatchObject({
    adminUserName: userInfo().username,
    adminUserPassword: "secret",
    adminUserSshPublicKey: "",
  });
  const { sent: keyed } = await created(["-u", "demo"], home);
  expect(keyed?.userAccountSettings).toMatchObject({
    adminUserName: "demo",
    adminUserSshPublicKey: "ssh-rsa AAAA me",
  });
});

test("an account without key and password is refused, and a key can be made", async () => {
  const { code, stderr } = await created(["-u", "demo"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--generate-ssh-keys");
  const { sent, home } = await created(["-u", "demo", "--generate-ssh-keys"]);
  expect(existsSync(join(home, ".ssh/id_rsa"))).toBe(true);
  const key = readFileSync(join(home, ".ssh/id_rsa.pub"), "utf8").trim();
  expect(sent?.userAccountSettings?.adminUserSshPublicKey).toBe(key);
});

test("auto storage is a share and a container to be mapped", async () => {
  const { sent } = await created(["--use-auto-storage"]);
  const volumes = sent?.nodeSetup?.mountVolumes;
  expect(volumes?.azureFileShares).toMatchObject([
    {
      accountName: "batchaiautostorage",
      azureFileUrl: "https://batchaiautostorage.file.core.windows.net/batchaishare",
      relativeMountPath: "autoafs",
    },
  ]);
  expect(volumes?.azureBlobFileSystems).toMatchObject([
    { accountName: "batchaiautostorage", containerName: "batchaicontainer", relativeMountPath: "autobfs" },
  ]);
});

test("-o jsonc is json, and tsv is cells with tabs", async () => {
  const { stdout } = await created(["-o", "jsonc"]);
  expect(JSON.parse(stdout)).toMatchObject({ name: "c" });
  expect((await created(["-o", "tsv"])).stdout).toBe("c\tlab\tany\t\t0\t0\t0\t0\t0\n");
});
