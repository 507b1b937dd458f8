import { expect, test } from "vitest";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import { CoreWorld } from "../build.js";

function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.fileServer("filer", { existing: { host: "10.0.0.9", export: "/data", mountOptions: "nfsvers=4.2" } });
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  return world;
}

const server = "workspaces/w/fileServers/filer";
const map = (world: CoreWorld, source: string, path = "") =>
  world.send({ kind: "storage-map", source, fileServer: server, path });

const share = (azureFileUrl: string, accountName = "") => ({
  mountVolumes: { azureFileShares: [{ accountName, azureFileUrl, relativeMountPath: "afs" }] },
});

/** Exports that the job's grant mounts. */
function exportsOf(world: CoreWorld, name: string, init: Parameters<CoreWorld["submit"]>[1]): string[] {
  const { effects } = world.submit(name, init);
  const grants = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  const mounts = (grants[0]?.jobMounts ?? []) as MountPlan[];
  return mounts.map(({ kind }) => (kind.case === "nfs" ? `${kind.value.host}:${kind.value.export}` : ""));
}

const key = { accountKey: "geheim==" };

test.each([
  ["a share", share("https://acct.file.core.windows.net/data"), "acct/data"],
  [
    "a container",
    {
      mountVolumes: {
        azureBlobFileSystems: [{ accountName: "acct", containerName: "models", relativeMountPath: "b" }],
      },
    },
    "acct/models",
  ],
  [
    "a share whose key is a published file's placeholder",
    {
      mountVolumes: {
        azureFileShares: [
          {
            azureFileUrl: "https://acct.file.core.windows.net/data",
            credentials: { accountKey: "<AZURE_BATCHAI_STORAGE_KEY>" },
            relativeMountPath: "afs",
          },
        ],
      },
    },
    "acct/data",
  ],
])("%s that stands for nothing is refused at submission with the command that would help", (_, init, source) => {
  const world = lab();
  const help = new RegExp(`^mountVolumes\\.azure\\w+\\[0\\]: .*stoker storage map '${source}'`);
  expect(() => world.submit("j", init)).toThrow(help);
  expect(() => world.cluster("d", { nodeSetup: init })).toThrow(/^nodeSetup\.mountVolumes/);
});

test("a mapping that is taken away fails the jobs that wait for it, with their code", () => {
  const world = lab();
  world.submit("first", {});
  map(world, "acct/data");
  world.submit("j", share("https://acct.file.core.windows.net/data"));
  world.send({ kind: "storage-unmap", source: "acct/data" });
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/first" });
  const first = world.job("first");
  const lease = first && "lease" in first.state ? first.state.lease.id : "";
  world.report("a", lease, { case: "done", value: {} });
  expect(world.job("j")?.state).toMatchObject({
    kind: "finished",
    outcome: { exitCode: -1, errors: [{ code: "AZFMountError", message: expect.stringContaining("storage map") }] },
  });
});

test("with a key, unmapped ones are mounted for real", () => {
  const world = lab();
  const { effects } = world.submit("j", {
    mountVolumes: {
      azureFileShares: [
        {
          azureFileUrl: "https://acct.file.core.windows.net/data/mnist/",
          relativeMountPath: "afs",
          credentials: key,
          fileMode: "0640",
        },
      ],
      azureBlobFileSystems: [
        {
          accountName: "acct",
          containerName: "models",
          relativeMountPath: "bfs",
          credentials: key,
          mountOptions: "-o ro",
        },
      ],
    },
  });
  const [grant] = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  expect(grant?.jobMounts).toEqual([
    {
      relativeMountPath: "afs",
      kind: {
        case: "cifs",
        value: {
          ...{ host: "acct.file.core.windows.net", share: "data/mnist", userName: "acct", credentials: key },
          ...{ fileMode: "0640", directoryMode: "0777" },
        },
      },
    },
    {
      relativeMountPath: "bfs",
      kind: { case: "rclone", value: { account: "acct", container: "models", credentials: key, options: "-o ro" } },
    },
  ]);
});

test.each([
  ["mode", { fileMode: "rw" }, /fileMode: "rw" is not a mode/],
  ["host", { accountName: "acct", azureFileUrl: "https://acct,evil/x" }, /azureFileUrl/],
  ["account", { accountName: "a\npassword=x" }, /accountName/],
])("what could be more than a share's %s is refused", (_, more, message) => {
  const world = lab();
  const azureFileUrl = "https://acct.file.core.windows.net/data";
  const one = { azureFileUrl, relativeMountPath: "afs", credentials: key, ...more };
  expect(() => world.submit("j", { mountVolumes: { azureFileShares: [one] } })).toThrow(message);
});

test("a mapped share is mounted from its file server, with the directory that the URL names", () => {
  const world = lab();
  map(world, "acct/data", "azure/data");
  expect(exportsOf(world, "j", share("https://acct.file.core.windows.net/data/mnist/train"))).toEqual([
    "10.0.0.9:/data/azure/data/mnist/train",
  ]);
});

test("containers go the same way, without Azure's mount options", () => {
  const world = lab();
  map(world, "ACCT/Models");
  const { effects } = world.submit("j", {
    mountVolumes: {
      azureBlobFileSystems: [
        { accountName: "acct", containerName: "models", relativeMountPath: "bfs", mountOptions: "-o allow_other" },
      ],
    },
  });
  const [grant] = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  expect(grant?.jobMounts).toEqual([
    {
      relativeMountPath: "bfs",
      kind: { case: "nfs", value: { host: "10.0.0.9", export: "/data", options: "nfsvers=4.2" } },
    },
  ]);
});

test.each([
  ["https://acct.file.core.windows.net/exact", "", "exact"],
  ["https://acct.file.core.windows.net/other", "", "acct/other"],
  ["https://x.file.core.windows.net/s", "<AZURE_BATCHAI_STORAGE_ACCOUNT>", "all/<AZURE_BATCHAI_STORAGE_ACCOUNT>/s"],
  ["https://x.file.core.windows.net/../../etc", "", "all/x/_/etc"],
])("the sharpest mapping wins, and leads nowhere else: %s", (url, account, directory) => {
  const world = lab();
  map(world, "*/*", "all/{account}/{share}");
  map(world, "acct/*", "acct/{name}");
  map(world, "acct/exact", "exact");
  expect(exportsOf(world, "j", share(url, account))).toEqual([`10.0.0.9:/data/${directory}`]);
});

test("a mapping outlives a restart, and follows to clusters that have it mounted", () => {
  const world = lab();
  map(world, "*/*");
  world.cluster("d", {
    scaleSettings: { manual: { targetNodeCount: 1 } },
    nodeSetup: { mountVolumes: share("https://acct.file.core.windows.net/data").mountVolumes },
  });
  world.hello("b");
  const told = map(world, "acct/data", "sub").effects.filter(({ kind }) => kind === "set-mounts");
  expect(told).toMatchObject([{ node: "b", plan: { mounts: [{ relativeMountPath: "afs" }] } }]);
  world.restart();
  expect([...world.state.storageMappings.keys()]).toEqual(["*/*", "acct/data"]);
});

test("mistakes are refused", () => {
  const world = lab();
  expect(() => map(world, "acct")).toThrow(/source: "acct" is not ACCOUNT\/SHARE/);
  expect(() => map(world, "a/b", "x/../..")).toThrow(/path: .* leads out/);
  expect(() =>
    world.send({ kind: "storage-map", source: "a/b", fileServer: "workspaces/w/fileServers/no", path: "" }),
  ).toThrow(/file server .* is not found/);
  expect(() => world.send({ kind: "storage-unmap", source: "a/b" })).toThrow(/no mapping of a\/b/);
  map(world, "a/b");
  expect(() => world.send({ kind: "file-server-delete", id: server })).toThrow(/stoker storage unmap 'a\/b'/);
  world.send({ kind: "storage-unmap", source: "A/B" });
  world.send({ kind: "file-server-delete", id: server });
});
