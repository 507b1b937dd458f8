import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { clusterId, experimentId, jobId } from "../../shared/ids.js";
import { CoreWorld, done, type JobInit } from "../build.js";

const manual = (targetNodeCount: number) => ({ scaleSettings: { manual: { targetNodeCount } } });

/** Workspace `w` with experiment `e` and cluster `c` of the nodes a and b. */
function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", manual(2));
  world.hello("a");
  world.hello("b");
  return world;
}

/** Beside it `other`, with an experiment `e`. */
function withOther(): CoreWorld {
  const world = lab();
  world.workspace("other");
  world.send({
    kind: "experiment-create",
    uuid: experimentId(world.fresh()),
    parent: "workspaces/other",
    name: "e",
  });
  return world;
}

function submitTo(world: CoreWorld, parent: string, name: string, spec: JobInit) {
  const toolkit = { case: "customToolkitSettings", value: { commandLine: "true" } } as const;
  const full = create(JobSpecSchema, { nodeCount: 1, toolkit, ...spec } as JobInit);
  return world.send({ kind: "job-create", uuid: jobId(world.fresh()), parent, name, spec: full });
}

const remove = (world: CoreWorld, id = "workspaces/w") => world.send({ kind: "workspace-delete", id });
const names = (world: CoreWorld) => [...world.state.workspaces.values()].map(({ name }) => name);

describe("a workspace that is deleted", () => {
  it("is deleting until its last job has ended, across a restart, and then goes with all that it held", () => {
    const world = withOther();
    world.submit("runs", {});
    world.submit("waits", { nodeCount: 2 });
    world.fileServer("nas", { existing: { host: "h", export: "/x" } });
    world.send({ kind: "secret-set", workspace: workspaceOf(world, "w"), name: "s", sealed: "x" });
    remove(world);
    expect(world.job("waits")).toBeUndefined();
    expect(world.job("runs")).toMatchObject({ state: { kind: "stopping" }, deleting: true, deletingSince: world.now });
    const uuid = workspaceOf(world, "w");
    expect(world.state.workspaces.get(uuid)).toMatchObject({ deletingSince: world.now });
    world.restart();
    expect(names(world)).toEqual(["w", "other"]);
    const lease = `${world.job("runs")?.uuid}.1`;
    world.hello("a", {}, [lease]);
    world.hello("b");
    remove(world);
    world.report("a", lease, done);
    expect(names(world)).toEqual(["other"]);
    const tables = [...world.rows.all()].map(({ table, row }) => ("name" in row ? `${table} ${row.name}` : table));
    expect(tables.sort()).toEqual(["experiment e", "node a", "node b", "workspace other"]);
    expect([...world.state.nodes.values()].map(({ cluster }) => cluster)).toEqual([undefined, undefined]);
  });

  it("is gone at once when it holds no job", () => {
    const world = new CoreWorld();
    world.workspace();
    remove(world);
    expect(names(world)).toEqual([]);
    world.workspace();
    world.experiment();
    world.cluster("c", manual(1));
    remove(world);
    expect([names(world), world.state.clusters.size]).toEqual([[], 0]);
  });

  it("takes nothing new meanwhile, in it or on what it holds", () => {
    const world = withOther();
    world.submit("runs", {});
    world.fileServer("nas", { existing: { host: "h", export: "/x" } });
    remove(world);
    const gone = /is being deleted: wait until it is gone/;
    expect(() => world.submit("late", {})).toThrow(gone);
    expect(() => world.experiment("e")).toThrow(gone);
    expect(() => world.experiment("another")).toThrow(gone);
    expect(() => world.cluster("another", manual(0))).toThrow(gone);
    expect(() => world.fileServer("another", { existing: { host: "h", export: "/x" } })).toThrow(gone);
    const cluster = { id: "workspaces/w/clusters/c" };
    expect(() => submitTo(world, "workspaces/other/experiments/e", "j", { cluster })).toThrow(gone);
    const mounts = { fileServers: [{ fileServer: { id: "workspaces/w/fileServers/nas" }, relativeMountPath: "x" }] };
    const spec = create(ClusterSpecSchema, { vmSize: "any", nodeSetup: { mountVolumes: mounts } });
    const make = () =>
      world.send({
        kind: "cluster-create",
        uuid: clusterId(world.fresh()),
        parent: "workspaces/other",
        name: "c",
        spec,
      });
    expect(make).toThrow(gone);
  });

  it("is refused while another workspace's job is on its cluster, which is named", () => {
    const world = withOther();
    submitTo(world, "workspaces/other/experiments/e", "guest", {
      cluster: { id: "/subscriptions/s/resourceGroups/nodes/providers/Microsoft.BatchAI/workspaces/w/clusters/c" },
    });
    expect(world.job("guest")?.state.kind).toBe("preparing");
    expect(() => remove(world)).toThrow(/workspaces\/other\/experiments\/e\/jobs\/guest, of another workspace, is on/);
    expect(names(world)).toEqual(["w", "other"]);
  });

  it("takes nothing of a sibling along", () => {
    const world = withOther();
    submitTo(world, "workspaces/other/experiments/e", "mine", { cluster: { id: "workspaces/w/clusters/c" } });
    remove(world, "workspaces/other");
    world.report("a", `${world.job("mine")?.uuid}.1`, done);
    expect(names(world)).toEqual(["w"]);
    expect([...world.state.clusters.values()].map(({ name }) => name)).toEqual(["c"]);
    expect([...world.state.experiments.values()]).toHaveLength(1);
  });
});

describe("a file server of another workspace", () => {
  it.each([
    "workspaces/w/fileServers/nas",
    "/subscriptions/S/resourceGroups/workspaces/providers/microsoft.batchai/Workspaces/w/FILESERVERS/nas",
  ])("is mounted by its full id %s", (id) => {
    const world = withOther();
    world.fileServer("nas", { existing: { host: "10.0.0.9", export: "/data" } });
    const { effects } = submitTo(world, "workspaces/other/experiments/e", "j", {
      cluster: { id: "workspaces/w/clusters/c" },
      mountVolumes: { fileServers: [{ fileServer: { id }, relativeMountPath: "x" }] },
    } as JobInit);
    const mounts = effects.flatMap((effect) => (effect.kind === "grant-lease" ? effect.grant.jobMounts : []));
    expect(mounts).toMatchObject([{ kind: { case: "nfs", value: { host: "10.0.0.9", export: "/data" } } }]);
    expect(() => remove(world)).toThrow(/of another workspace/);
  });

  it("is not taken for one of the same name at home", () => {
    const world = withOther();
    world.fileServer("nas", { existing: { host: "10.0.0.9", export: "/data" } });
    const submit = () =>
      submitTo(world, "workspaces/other/experiments/e", "j", {
        cluster: { id: "workspaces/w/clusters/c" },
        mountVolumes: { fileServers: [{ fileServer: { id: "nas" }, relativeMountPath: "x" }] },
      } as JobInit);
    expect(submit).toThrow(/fileServers\[0\]\.fileServer\.id: there is no nas/);
  });
});

describe("tags", () => {
  const tagsOf = (world: CoreWorld) => world.state.workspaces.get(workspaceOf(world, "w"))?.tags;
  const update = (tags: Record<string, string>, keepOthers: boolean, removed: string[] = []) =>
    ({ kind: "workspace-update", id: "workspaces/w", tags, keepOthers, removed }) as const;

  it("take the place of those that are there, or stand beside them", () => {
    const world = lab();
    world.send(update({ a: "1", b: "2" }, false));
    world.send(update({ b: "3", c: "4" }, true, ["a"]));
    expect(tagsOf(world)).toEqual({ b: "3", c: "4" });
    world.send(update({ d: "5" }, false));
    world.restart();
    expect(tagsOf(world)).toEqual({ d: "5" });
    expect(() => world.send(update({ a: "1" }, true, ["a"]))).toThrow(/among the tags to be set/);
    expect(() => world.send(update({}, false, ["a"]))).toThrow(/needs keep_others/);
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`t${at}`, ""]));
    expect(() => world.send(update(many, false))).toThrow(/there may be 50/);
  });
});

function workspaceOf(world: CoreWorld, name: string) {
  const uuid = world.state.index.workspaceByName.get(name);
  if (uuid === undefined) throw new Error(`there is no workspace ${name}`);
  return uuid;
}
