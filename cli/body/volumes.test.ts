import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MountVolumesSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { unfilled, volumesOf } from "./volumes.js";

const workspace = "workspaces/lab";

test("nothing given is nothing sent", () => {
  expect(volumesOf(undefined, { workspace })).toBeUndefined();
});

test("flags append mounts to those of the file", () => {
  const given = create(MountVolumesSchema, { fileServers: [{ fileServer: { id: "a" }, relativeMountPath: "a" }] });
  const volumes = volumesOf(given, {
    workspace,
    nfs: "filer",
    nfsMountPath: "data",
    afsName: "share",
    bfsName: "box",
    storageAccount: "acct",
  });
  expect(volumes?.fileServers.map(({ fileServer, relativeMountPath }) => [fileServer?.id, relativeMountPath])).toEqual([
    ["a", "a"],
    ["workspaces/lab/fileServers/filer", "data"],
  ]);
  expect(volumes?.azureFileShares[0]).toMatchObject({
    accountName: "acct",
    azureFileUrl: "https://acct.file.core.windows.net/share",
    relativeMountPath: "afs",
  });
  expect(volumes?.azureBlobFileSystems[0]).toMatchObject({
    accountName: "acct",
    containerName: "box",
    relativeMountPath: "bfs",
  });
});

test("an account that is not given is the one of the URL's host", () => {
  const given = create(MountVolumesSchema, {
    azureFileShares: [{ azureFileUrl: "https://Mine.file.core.windows.net/s" }],
  });
  expect(volumesOf(given, { workspace })?.azureFileShares[0]?.accountName).toBe("Mine");
});

test("a key goes only to the account that it is of", () => {
  const given = create(MountVolumesSchema, {
    azureFileShares: [{ azureFileUrl: "https://other.file.core.windows.net/s" }],
    azureBlobFileSystems: [{ accountName: "<AZURE_BATCHAI_STORAGE_ACCOUNT>", containerName: "c" }],
  });
  const volumes = volumesOf(given, { workspace, storageAccount: "acct", storageKey: "k" });
  expect(volumes?.azureFileShares[0]?.credentials).toBeUndefined();
  expect(volumes?.azureBlobFileSystems[0]).toMatchObject({ accountName: "acct", credentials: { accountKey: "k" } });
});

test("placeholders are filled in credentials, and those that stay are told", () => {
  const given = () =>
    create(MountVolumesSchema, {
      azureFileShares: [{ accountName: "a", credentials: { accountKey: "<AZURE_BATCHAI_STORAGE_KEY>" } }],
    });
  const filled = volumesOf(given(), { workspace, storageKey: "k" });
  expect(filled?.azureFileShares[0]?.credentials?.accountKey).toBe("k");
  expect(unfilled(filled)).toEqual([]);
  expect(unfilled(volumesOf(given(), { workspace }))).toEqual([
    "nothing was given for <AZURE_BATCHAI_STORAGE_KEY> (--storage-account-key)",
  ]);
});

test.each([
  [{ nfsMountPath: "x" }, /--nfs-mount-path: give the file server too/],
  [{ afsName: "x" }, /--afs-name: give the storage account too/],
  [{ bfsName: "x" }, /--bfs-name: give the storage account too/],
  [{ nfs: "no such name" }, /"no such name" is no name for a file server/],
])("%j is refused", (flags, message) => {
  expect(() => volumesOf(undefined, { workspace, ...flags })).toThrow(message);
});
