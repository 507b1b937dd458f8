import { expect, test } from "vitest";
import { explain } from "../../coordinator/core/explain.js";
import { ExportPhase } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import { CoreWorld, type Effect, ready } from "../build.js";

const gib = 2n ** 30n;
const able = (folder = "", freeGib = 0n) => ({ server: "ganesha", folder, freeBytes: freeGib * gib });

/** `a` serves what is named, `s` and `t` offer folders; the cluster has the rest. */
function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.hello("a", { fileServing: able(), address: "10.0.0.1" });
  world.hello("s", { fileServing: able("/srv/stoker", 50n), address: "10.0.0.2", machineClass: "nas" });
  world.hello("t", { fileServing: able("/data", 900n), address: "10.0.0.3" });
  return world;
}

const server = (world: CoreWorld, name = "f") => [...world.state.fileServers.values()].find((one) => one.name === name);
const ordered = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === "set-exports" ? [[effect.node, effect.exports] as const] : []));
const served = (world: CoreWorld, name = "f", more = {}) => ({
  id: server(world, name)?.uuid ?? "",
  phase: ExportPhase.SERVED,
  mountPoint: "/data",
  port: 2049,
  directory: "/srv/x",
  ...more,
});

/** A job that mounts it, on a cluster of one node. */
function mounting(world: CoreWorld, fileServer: Record<string, unknown> = {}) {
  if (world.state.clusters.size === 0) world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  const volume = { fileServer: { id: "f" }, relativeMountPath: "nfs", ...fileServer };
  return world.submit("j", { mountVolumes: { fileServers: [volume] } });
}
const grantsIn = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));

test("the machine that is named is told what to serve, and what it says is the server's state", () => {
  const world = lab();
  const { effects } = world.fileServer("f", { managed: { node: "a", directory: "/srv/x", clients: ["10.0.0.0/24"] } });
  const [[node, exports] = ["", []]] = ordered(effects);
  expect(node).toBe("a");
  expect(exports).toMatchObject([
    { name: "workspaces/w/fileServers/f", directory: "/srv/x", mountPoint: "/data", clients: ["10.0.0.0/24"] },
  ]);
  expect(server(world)?.managed?.state).toBe("creating");
  world.exports("a", [served(world)]);
  expect(server(world)?.managed).toMatchObject({ state: "succeeded", port: 2049, mountPoint: "/data" });
  const error = { code: "FileServerFailed", message: "the disk is gone" };
  world.exports("a", [{ id: server(world)?.uuid ?? "", phase: ExportPhase.FAILED, error }]);
  expect(server(world)?.managed).toMatchObject({ state: "failed", fault: { message: "the disk is gone" } });
  world.exports("a", [served(world)]);
  expect(server(world)?.managed?.fault).toBeUndefined();
});

test("Batch AI's own body is served by a machine that is offered: of its size, with room", () => {
  const world = lab();
  world.fileServer("big", { vmSize: "Standard_DS1", dataDisks: { diskCount: 2, diskSizeInGb: 100 } });
  expect(server(world, "big")?.managed).toMatchObject({ directory: "/data/w/big", mountPoint: "/data" });
  world.fileServer("nas", { vmSize: "NAS", dataDisks: { diskCount: 1, diskSizeInGb: 10 } });
  expect(server(world, "nas")?.managed).toMatchObject({ directory: "/srv/stoker/w/nas" });
  world.fileServer("big2", { vmSize: "x", dataDisks: { diskCount: 2, diskSizeInGb: 100 } });
  expect(server(world, "big2")?.managed).toMatchObject({ directory: "/data/w/big2", mountPoint: "/data-big2" });
});

test("without an offer it is refused, with what would help", () => {
  const world = new CoreWorld();
  world.workspace();
  world.hello("a", { fileServing: able() });
  expect(() => world.fileServer("f", { vmSize: "x" })).toThrow(/--serve-files FOLDER.*--existing HOST/);
  world.hello("b", { fileServing: { server: "", folder: "/srv" } });
  expect(() => world.fileServer("f", { vmSize: "x" })).toThrow(/machine b has no NFS server: install/);
});

test.each([
  [{ node: "nobody", directory: "/x" }, /managed.node: .*not found/],
  [{ node: "old", directory: "/x" }, /managed.node: the agent of old is of a release/],
  [{ node: "off", directory: "/x" }, /managed.node: the owner of off lets nobody/],
  [{ node: "a" }, /managed.directory: is required/],
  [{ node: "a", directory: "srv" }, /managed.directory: "srv" is not an absolute path/],
  [{ node: "a", directory: '/srv/"x' }, /managed.directory: .* quotes/],
  [{ node: "a", directory: "/srv/../etc" }, /managed.directory/],
  [{ node: "a", directory: "/x", disks: ["/dev/sdb"] }, /managed: has both/],
  [{ node: "a", disks: ["/dev/sdb", "/dev/sdb"] }, /given twice/],
  [{ node: "a", disks: ["sdb"] }, /managed.disks\[0\]/],
  [{ node: "a", directory: "/x", clients: ["10.0.0.1; all"] }, /managed.clients\[0\]/],
  [{ node: "a", directory: "/taken/below" }, /shares files with file server other/],
])("%j is refused", (managed, message) => {
  const world = lab();
  world.hello("old");
  world.hello("off", { fileServing: { ...able(), refused: true } });
  world.fileServer("other", { managed: { node: "a", directory: "/taken" } });
  expect(() => world.fileServer("f", { managed })).toThrow(message);
});

test("a job waits for a server that is being made, holds nobody up meanwhile, and mounts it at its machine's address", () => {
  const world = lab();
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x", mountOptions: "nfsvers=4.2" } });
  expect(grantsIn(mounting(world).effects)).toEqual([]);
  const waiting = world.job("j");
  expect(waiting && explain(world.state, waiting, world.now).summary).toContain("file server f is still being made");
  expect(grantsIn(world.submit("other", {}).effects)).toHaveLength(1);
  const other = world.job("other");
  const lease = other && "lease" in other.state ? other.state.lease : undefined;
  const node = lease?.shares[0]?.nodeName ?? "";
  world.report(node, lease?.id ?? "", ready);
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/other" });
  world.report(node, lease?.id ?? "", { case: "done", value: {} });
  const { effects } = world.exports("s", [served(world, "f", { port: 12049 })]);
  const [grant] = grantsIn(effects);
  expect((grant?.jobMounts as MountPlan[] | undefined)?.map(({ kind }) => kind.value)).toEqual([
    { host: "10.0.0.2", export: "/data", options: "nfsvers=4.2,port=12049" },
  ]);
});

test("one that can't serve fails the job with its machine's words; its directory and options are the job's to say", () => {
  const world = lab();
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  world.exports("s", [served(world)]);
  const [grant] = grantsIn(mounting(world, { sourceDirectory: "/mnist/", mountOptions: "ro" }).effects);
  expect((grant?.jobMounts as MountPlan[] | undefined)?.[0]?.kind.value).toEqual({
    ...{ host: "10.0.0.2", export: "/data/mnist", options: "ro" },
  });
  const broken = lab();
  broken.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  const error = { code: "FileServerFailed", message: "/dev/sdb holds ext4" };
  broken.exports("s", [{ id: server(broken)?.uuid ?? "", phase: ExportPhase.FAILED, error }]);
  mounting(broken);
  expect(broken.job("j")?.state).toMatchObject({
    outcome: {
      exitCode: -1,
      errors: [{ code: "NFSMountError", message: expect.stringContaining("/dev/sdb holds ext4") }],
    },
  });
});

test("its cluster's nodes mount it as soon as it is there, and again at another address", () => {
  const world = lab();
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  const volume = { fileServer: { id: "f" }, relativeMountPath: "nfs" };
  world.cluster("c", {
    vmSize: "pc",
    scaleSettings: { manual: { targetNodeCount: 1 } },
    nodeSetup: { mountVolumes: { fileServers: [volume] } },
  });
  const hosts = (effects: readonly Effect[]) =>
    effects.flatMap((effect) =>
      effect.kind === "set-mounts" ? [(effect.plan.mounts ?? []).map(({ kind }) => kind.value)] : [],
    );
  expect(hosts(world.exports("s", [served(world)]).effects)).toMatchObject([[{ host: "10.0.0.2" }]]);
  world.gone("s");
  const back = world.hello("s", { fileServing: able("/srv/stoker", 50n), address: "10.0.0.9", machineClass: "nas" });
  expect(hosts(back.effects)).toContainEqual([expect.objectContaining({ host: "10.0.0.9" })]);
});

test("a deleted server goes when its machine serves it no longer, at once when that is away, and is told at the next hello", () => {
  const world = lab();
  const remove = () => world.send({ kind: "file-server-delete", id: "workspaces/w/fileServers/f" });
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  world.exports("s", [served(world)]);
  expect(ordered(remove().effects)).toEqual([["s", []]]);
  expect(server(world)?.managed?.state).toBe("deleting");
  expect(() => mounting(world)).toThrow(/being deleted/);
  world.exports("s", []);
  expect(server(world)).toBeUndefined();

  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  world.gone("s");
  remove();
  expect(server(world)).toBeUndefined();
  const back = world.hello("s", { fileServing: { ...able("/srv/stoker"), exports: 1 }, address: "10.0.0.2" });
  expect(ordered(back.effects)).toEqual([["s", []]]);

  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  remove();
  world.gone("s");
  world.send({ kind: "tick" });
  expect(server(world)).toBeUndefined();
});

test("it outlives a restart, and its machine can't be forgotten while it serves", () => {
  const world = lab();
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  world.exports("s", [served(world)]);
  const before = server(world);
  world.restart();
  expect(server(world)).toEqual(before);
  expect(ordered(world.hello("s", { fileServing: able("/srv/stoker"), address: "10.0.0.2" }).effects)[0]?.[0]).toBe(
    "s",
  );
  world.gone("s");
  expect(() => world.send({ kind: "node-delete", id: "s" })).toThrow(/serves workspaces\/w\/fileServers\/f/);
});

test("what an agent says of others' servers, or what can't be, is not believed", () => {
  const world = lab();
  world.fileServer("f", { managed: { node: "s", directory: "/srv/x" } });
  world.exports("t", [served(world)]);
  expect(server(world)?.managed?.state).toBe("creating");
  const { effects } = world.exports("s", [served(world, "f", { mountPoint: "data" })]);
  expect(effects.some(({ kind }) => kind === "ignored")).toBe(true);
  expect(server(world)?.managed?.state).toBe("creating");
});
