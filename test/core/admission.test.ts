import { expect, test } from "vitest";
import { CoreWorld, type JobInit, uuid } from "../build.js";

function started(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.fileServer("nas", { existing: { host: "nas", export: "/data" } });
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.cluster("future", { vmSize: "gpu-box", scaleSettings: { manual: { targetNodeCount: 4 } } });
  world.hello("a", { gpus: 2, cpus: 8, memoryGib: 16 });
  return world;
}

const volumes = (relativeMountPath: string) => ({ unmanagedFileSystems: [{ mountCommand: "m", relativeMountPath }] });

test.each<[JobInit, RegExp]>([
  [{ nodeCount: 0 }, /^nodeCount: 0 is not between/],
  [{ resources: { gpus: 3 } }, /^resources.gpus: 3 asked, but no machine of c has more than 2/],
  [{ resources: { cpus: 9 } }, /^resources.cpus: /],
  [{ resources: { memory: "17g" } }, /^resources.memory: /],
  [{ resources: { memory: "lots" } }, /^resources.memory: "lots"/],
  [{ cluster: { id: "none" } }, /^cluster.id: the specified cluster .*none is not found/],
  [{ cluster: { id: "" } }, /^cluster.id: is required/],
  [{ schedulingPriority: "urgent" }, /^schedulingPriority: "urgent" is none of/],
  [{ onLeaseLoss: "pray" }, /^onLeaseLoss: "pray" is none of freeze, kill, continue/],
  [{ constraints: { maxWallClockTime: "soon" } }, /^constraints.maxWallClockTime: /],
  [{ retry: { maxCount: -1 } }, /^retry.maxCount: /],
  [{ environmentVariables: [{ name: "1A", value: "" }] }, /^environmentVariables\[0\].name: /],
  [{ environmentVariables: [{ name: "STOKER_LEASE", value: "" }] }, /set by Stoker itself/],
  [{ outputDirectories: [{ id: "A-B", pathPrefix: "/x" }] }, /^outputDirectories\[0\].id: /],
  [{ outputDirectories: [{ id: "A", pathPrefix: "" }] }, /^outputDirectories\[0\].pathPrefix: is required/],
  [
    {
      inputDirectories: [
        { id: "A", path: "/x" },
        { id: "A", path: "/y" },
      ],
    },
    /^inputDirectories\[1\]: "A" is given twice/,
  ],
  [{ mountVolumes: volumes("/abs") }, /^mountVolumes.unmanagedFileSystems\[0\].relativeMountPath: .*relative/],
  [{ mountVolumes: volumes("a/../b") }, /must hold neither/],
  [{ mountVolumes: volumes("") }, /relativeMountPath: is required/],
  [
    { mountVolumes: { fileServers: [{ fileServer: { id: "zip" }, relativeMountPath: "x" }] } },
    /^mountVolumes.fileServers\[0\].fileServer.id: there is no zip/,
  ],
  [{ containerSettings: {} }, /^containerSettings.imageSourceRegistry.image: is required/],
  [
    { toolkit: { case: "customToolkitSettings", value: { commandLine: "" } } },
    /^customToolkitSettings.commandLine: is required/,
  ],
] as Array<[JobInit, RegExp]>)("%j is refused, by the field's path", (spec, message) => {
  const world = started();
  const before = [...world.rows.all()].length;
  expect(() => world.submit("j", spec)).toThrow(message);
  expect([...world.rows.all()]).toHaveLength(before);
});

test.each(["", "a b", "ä", "x".repeat(65), "a/b"])('"%s" is no name', (name) => {
  expect(() => started().submit(name, {})).toThrow(/^name: /);
});

test("while no machine of the class is enrolled, nothing is held against a job; nor is its cluster's size, which can change", () => {
  const world = started();
  world.submit("j", { cluster: { id: "future" }, nodeCount: 5, resources: { gpus: 16, cpus: 1 } });
  expect(world.job("j")?.state.kind).toBe("queued");
});

test("the same key gives the same job for the same body, and an error for another", () => {
  const world = started();
  const key = (digest: string, name: string, number: number) =>
    world.send({
      kind: "experiment-create",
      uuid: uuid(number) as never,
      parent: "workspaces/w",
      name,
      idempotency: { key: "k", digest },
    }).subject;
  const first = key("d1", "x", 901);
  expect(key("d1", "x", 902)).toBe(first);
  expect(() => key("d2", "y", 903)).toThrow(/used before with another body/);
  world.restart();
  expect(key("d1", "x", 904)).toBe(first);
});

test("a name is taken while its job lives, and free after", () => {
  const world = started();
  world.submit("j", {});
  expect(() => world.submit("j", {})).toThrow(/exists already/);
});

test("what is in use is not deleted", () => {
  const world = started();
  world.submit("j", {
    mountVolumes: { fileServers: [{ fileServer: { id: "nas" }, relativeMountPath: "x" }] },
  } as JobInit);
  const drop = () => world.send({ kind: "file-server-delete", id: "workspaces/w/fileServers/nas" });
  expect(drop).toThrow(/is mounted by/);
  expect(() => world.send({ kind: "node-delete", id: "nodes/a" })).toThrow(/is connected/);
});

test("a workspace goes with all it holds", () => {
  const world = started();
  world.submit("j", {});
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/j" });
  const lease = `${world.job("j")?.uuid}.1`;
  world.report("a", lease, { case: "done", value: {} });
  world.send({ kind: "workspace-delete", id: "workspaces/w" });
  const tables = new Set([...world.rows.all()].map(({ table }) => table));
  expect([...tables].sort()).toEqual(["node"]);
});
