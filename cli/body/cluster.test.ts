import { expect, test } from "vitest";
import { loadCluster } from "./cluster.js";
import { loadFileServer } from "./file-server.js";

const workspace = "workspaces/lab";
const scale = (flags: object) => loadCluster({}, { workspace, ...flags }).spec.scaleSettings;

test("min and max scale by themselves, and target is where it begins", () => {
  expect(scale({ min: 1, max: 4, target: 2 })?.autoScale).toMatchObject({
    minimumNodeCount: 1,
    maximumNodeCount: 4,
    initialNodeCount: 2,
  });
});

test("min equal to max is a manual target", () => {
  expect(scale({ min: 2, max: 2 })?.manual?.targetNodeCount).toBe(2);
  expect(scale({ min: 2, max: 2, target: 2 })?.manual?.targetNodeCount).toBe(2);
  expect(scale({ min: 2, max: 2, target: 1 })?.autoScale?.initialNodeCount).toBe(1);
});

test("flags win over the file", () => {
  const body = { properties: { vmSize: "A", scaleSettings: { manual: { targetNodeCount: 1 } } } };
  const { spec } = loadCluster(body, { workspace, vmSize: "B", target: 3, userName: "me", nfs: "filer" });
  expect(spec.vmSize).toBe("B");
  expect(spec.scaleSettings?.manual?.targetNodeCount).toBe(3);
  expect(spec.userAccountSettings?.adminUserName).toBe("me");
  expect(spec.nodeSetup?.mountVolumes?.fileServers[0]?.relativeMountPath).toBe("nfs");
});

test("a setup task and an image by flags", () => {
  const { spec } = loadCluster({}, { workspace, setupTask: "apt update", setupTaskOutput: "/x", image: "ubuntults" });
  expect(spec.nodeSetup?.setupTask).toMatchObject({ commandLine: "apt update", stdOutErrPathPrefix: "/x" });
  expect(spec.virtualMachineConfiguration?.imageReference).toMatchObject({ publisher: "Canonical", version: "latest" });
});

test("runElevated of older versions is ignored without a word", () => {
  const body = { nodeSetup: { setupTask: { commandLine: "x", runElevated: true } } };
  expect(loadCluster(body, { workspace }).warnings).toEqual([]);
});

test.each([
  [{}, { min: 1 }, /--min and --max: give both/],
  [{}, { min: 3, max: 1 }, /--min 3 is over --max 1/],
  [{}, { setupTask: "x" }, /--setup-task-output too/],
  [{}, { setupTaskOutput: "x" }, /--setup-task-output: give the task too/],
  [{}, { image: "ubuntu" }, /--image: expected/],
  [{ properties: { scaleSettings: { manual: {}, autoScale: {} } } }, {}, /^properties\.scaleSettings: found both/],
  [{ properties: [] }, {}, /^properties: expected an object, found a list/],
])("%j with %j is refused", (body, flags, message) => {
  expect(() => loadCluster(body, { workspace, ...flags })).toThrow(message);
});

test("an existing NFS server by one flag", () => {
  const { spec } = loadFileServer({}, { existing: "nas.lab:/data/sets", mountOptions: "ro" });
  expect(spec.existing).toMatchObject({ host: "nas.lab", export: "/data/sets", mountOptions: "ro" });
  expect(() => loadFileServer({}, { existing: "nas.lab" })).toThrow(/expected host:\/path/);
});

test("a machine, and what it is to serve, by flags", () => {
  const { spec } = loadFileServer({ vmSize: "x" }, { node: "n1", disks: ["/dev/sdb"], clients: ["10.0.0.0/8"] });
  expect(spec.managed).toMatchObject({ node: "n1", disks: ["/dev/sdb"], clients: ["10.0.0.0/8"], mountOptions: "" });
  expect(loadFileServer({}, { mountOptions: "ro" }).spec.managed?.mountOptions).toBe("ro");
  expect(() => loadFileServer({}, { directory: "/x" })).toThrow(/--node/);
  expect(() => loadFileServer({}, { existing: "nas.lab:/x", node: "n1" })).toThrow(/--existing/);
});

test("disks by flags over those of the file", () => {
  const { spec } = loadFileServer(
    { dataDisks: { diskCount: 1, diskSizeInGB: 5 } },
    { diskCount: 2, storageSku: "Premium_LRS" },
  );
  expect(spec.dataDisks).toMatchObject({ diskCount: 2, diskSizeInGb: 5, storageAccountType: "Premium_LRS" });
});
