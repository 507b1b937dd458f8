import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterView } from "../../coordinator/api/views/cluster.js";
import { nodeView } from "../../coordinator/api/views/node.js";
import { explain } from "../../coordinator/core/explain.js";
import { conditionOf, nodeStateCounts } from "../../coordinator/core/preparation/condition.js";
import { withOpened } from "../../coordinator/core/secrets/reference.js";
import type { Node } from "../../coordinator/core/state.js";
import type { Step } from "../../coordinator/core/step.js";
import { PreparationState } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { CoreWorld, done, exited, type Machine, ready } from "../build.js";

const setupTask = {
  commandLine: "apt-get install -y numactl",
  stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nfs",
  environmentVariables: [{ name: "MODE", value: "fast" }],
  secrets: [{ name: "PASSWORD", value: "hunter2" }],
};
const userAccountSettings = {
  adminUserName: "ann",
  adminUserSshPublicKey: "ssh-ed25519 AAAA",
  adminUserPassword: "pw",
};
const new_: Machine = { prepares: true };
const isReady = { state: PreparationState.READY };
const isFailed = {
  state: PreparationState.FAILED,
  error: { code: "SetupTaskFailed", message: "the setup task ended with exit code 3", details: [] },
};

function site(size = 1): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", {
    scaleSettings: { manual: { targetNodeCount: size } },
    nodeSetup: { setupTask },
    userAccountSettings,
  });
  return world;
}

function node(world: CoreWorld, name: string): Node {
  const found = [...world.state.nodes.values()].find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no node ${name}`);
  return found;
}

const states = (world: CoreWorld) =>
  [...world.state.nodes.values()].map((each) => `${each.name} ${conditionOf(world.state, each).state}`).join(", ");
const ordersOf = ({ effects }: Step) =>
  effects.flatMap((effect) => (effect.kind === "set-mounts" ? [effect.plan] : []));
const placed = ({ effects }: Step) => effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.node] : []));

function cluster(world: CoreWorld) {
  const [row] = world.state.clusters.values();
  if (!row) throw new Error("no cluster");
  return { row, view: clusterView(world.state, row), counts: nodeStateCounts(world.state, row) };
}

describe("a node that joins a cluster", () => {
  it("is told the account and the setup task, with its place for output, and gets no job until it is ready", () => {
    const world = site();
    world.submit("j", {});
    const [, plan] = ordersOf(world.hello("a", new_));
    expect(plan).toMatchObject({
      clusterId: "workspaces/w/clusters/c",
      adminAccount: { name: "ann", sshPublicKey: "ssh-ed25519 AAAA", password: "pw" },
      setupTask: {
        commandLine: setupTask.commandLine,
        environment: expect.arrayContaining([{ name: "MODE", value: "fast" }]),
        secrets: [{ name: "PASSWORD", value: "hunter2" }],
        stdDirectory: `$AZ_BATCHAI_MOUNT_ROOT/nfs/workspaces/w/clusters/c/${cluster(world).row.uuid}`,
      },
    });
    expect(states(world)).toBe("a preparing");
    world.prepared("a", { state: PreparationState.PREPARING, doing: "running the setup task", ageMs: 40_000n });
    expect(conditionOf(world.state, node(world, "a")).reason).toBe("running the setup task for 40 s");
    expect(cluster(world).view.preparing).toEqual(["a: running the setup task for 40 s"]);
    const job = world.job("j");
    expect(job && explain(world.state, job, world.now).reasons).toMatchObject([
      { check: "prepared", message: "a node is preparing: running the setup task for 40 s", nodes: ["a"] },
    ]);
    expect(placed(world.prepared("a", isReady))).toEqual(["a"]);
    expect(states(world)).toBe("a running");
  });

  it("is believed only about its present membership, and by its present session", () => {
    const world = site();
    world.hello("a", new_);
    world.prepared("a", { ...isReady, preparationId: "another.1.0" });
    expect(states(world)).toBe("a preparing");
    world.prepared("a", isReady);
    expect(states(world)).toBe("a idle");
    world.gone("a");
    expect(states(world)).toBe("a unusable");
    world.hello("a", new_);
    expect(states(world)).toBe("a preparing");
  });

  it("that mounts but knows no setup tasks is unusable, and says why", () => {
    const world = site();
    world.hello("a");
    expect(conditionOf(world.state, node(world, "a"))).toMatchObject({
      state: "unusable",
      reason: expect.stringContaining("runs no setup tasks: upgrade it"),
    });
  });

  it("that can't be prepared is unusable with its error, until a retry succeeds", () => {
    const world = site(2);
    world.hello("a", new_);
    world.hello("b", new_);
    world.prepared("a", isReady);
    world.prepared("b", isFailed);
    world.submit("j", { nodeCount: 2 });
    expect(cluster(world).counts).toEqual({ idle: 1, running: 0, preparing: 0, unusable: 1, leaving: 0 });
    expect(cluster(world).view.errors).toMatchObject([{ code: "SetupTaskFailed" }]);
    expect(nodeView(world.state, node(world, "b"), undefined).error).toMatchObject({ code: "SetupTaskFailed" });
    const job = world.job("j");
    expect(job && explain(world.state, job, world.now).summary).toContain(
      "is unusable: the setup task ended with exit code 3",
    );
    const before = node(world, "b").membership;
    const [again] = ordersOf(world.send({ kind: "node-retry", id: "b" }));
    expect(again?.preparationId).toBe(`${cluster(world).row.uuid}.${before?.since}.1`);
    expect(states(world)).toBe("a idle, b preparing");
    expect(placed(world.prepared("b", isReady))).toEqual(["a", "b"]);
    expect(cluster(world).view.errors).toEqual([]);
    expect(() => world.send({ kind: "node-retry", id: "b" })).toThrow("has jobs");
  });

  it("is asked for the same after a coordinator's restart, and for something new when it joins again", () => {
    const world = site();
    const first = ordersOf(world.hello("a", new_)).at(-1)?.preparationId;
    world.restart();
    expect(ordersOf(world.hello("a", new_)).at(-1)?.preparationId).toBe(first);
    world.now += 1000;
    const scale = (targetNodeCount: number) =>
      world.send({
        kind: "cluster-resize",
        id: "workspaces/w/clusters/c",
        scale: { manual: { targetNodeCount, nodeDeallocationOption: "" } } as never,
      });
    expect(ordersOf(scale(0)).at(-1)).toMatchObject({ clusterId: "", preparationId: "", mounts: [] });
    const second = ordersOf(scale(1)).at(-1)?.preparationId;
    expect(second).not.toBe(first);
  });

  it("shows its warnings, once for all nodes of the cluster, and works", () => {
    const world = site(2);
    for (const name of ["a", "b"]) {
      world.hello(name, new_);
      world.prepared(name, { ...isReady, warnings: ["its owner allows no accounts"] });
    }
    expect(states(world)).toBe("a idle, b idle");
    expect(cluster(world).view.warnings).toEqual(["a, b: its owner allows no accounts"]);
    expect(nodeView(world.state, node(world, "a"), undefined).warnings).toEqual(["its owner allows no accounts"]);
  });
});

it("waits with the setup task until a mapping says where its volume is", () => {
  const world = new CoreWorld();
  world.workspace();
  world.fileServer("nas", { existing: { host: "nas", export: "/data" } });
  const azureFileShares = [
    {
      accountName: "acct",
      azureFileUrl: "https://acct.file.core.windows.net/data",
      relativeMountPath: "afs",
      credentials: undefined,
    },
  ];
  const map = () =>
    world.send({ kind: "storage-map", source: "acct/data", fileServer: "workspaces/w/fileServers/nas", path: "" });
  map();
  world.cluster("c", {
    scaleSettings: { manual: { targetNodeCount: 1 } },
    nodeSetup: { setupTask, mountVolumes: { azureFileShares } },
  } as never);
  expect(ordersOf(world.hello("a", new_)).at(-1)?.setupTask?.commandLine).toBe(setupTask.commandLine);
  world.prepared("a", isReady);
  expect(states(world)).toBe("a idle");
  expect(ordersOf(world.send({ kind: "storage-unmap", source: "acct/data" })).at(-1)?.setupTask).toBeUndefined();
  expect(conditionOf(world.state, node(world, "a"))).toMatchObject({
    state: "unusable",
    reason: expect.stringContaining("stoker storage map"),
  });
  expect(cluster(world).view.errors).toMatchObject([{ code: "AZFMountError" }]);
  expect(ordersOf(map()).at(-1)?.setupTask?.commandLine).toBe(setupTask.commandLine);
});

it("sends a secret that is referred to sealed, until it is on its way", () => {
  const world = new CoreWorld();
  world.workspace();
  const [workspace] = world.state.workspaces.keys();
  if (!workspace) throw new Error("no workspace");
  world.send({ kind: "secret-set", workspace, name: "token", sealed: "SEALED" });
  const secrets = [{ name: "TOKEN", valueSecretReference: { secretUrl: "token" } }];
  world.cluster("c", {
    scaleSettings: { manual: { targetNodeCount: 1 } },
    nodeSetup: { setupTask: { ...setupTask, secrets } },
  });
  const plan = ordersOf(world.hello("a", new_)).at(-1);
  expect(plan?.setupTask?.secrets[0]?.value).toContain("SEALED");
  expect(withOpened(plan, (_, sealed) => `opened ${sealed}`)?.setupTask?.secrets).toEqual([
    { name: "TOKEN", value: "opened SEALED" },
  ]);
});

it("shows neither secret nor password of a cluster, but where its setup's output is", () => {
  const world = site();
  const { view, row } = cluster(world);
  expect(JSON.stringify(view, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
    /hunter2|"pw"/,
  );
  expect(view.spec?.nodeSetup?.setupTask).toMatchObject({ stdOutErrPathSuffix: `workspaces/w/clusters/c/${row.uuid}` });
});

it("refuses a setup task without a command or without a place for its output", () => {
  const world = new CoreWorld();
  world.workspace();
  const make = (task: object) => () => world.cluster("d", { nodeSetup: { setupTask: { ...setupTask, ...task } } });
  expect(make({ commandLine: "" })).toThrow("nodeSetup.setupTask.commandLine");
  expect(make({ stdOutErrPathPrefix: "" })).toThrow("nodeSetup.setupTask.stdOutErrPathPrefix");
  expect(make({ secrets: [{ name: "1x", value: "" }] })).toThrow("nodeSetup.setupTask.secrets[0].name");
});

it("tells since when a node is in its state", () => {
  const world = site();
  const since = () => Number(nodeView(world.state, node(world, "a"), undefined).stateTransitionTime?.seconds) * 1000;
  world.hello("a", new_);
  const joined = world.now;
  world.now += 5000;
  world.prepared("a", { state: PreparationState.PREPARING, doing: "mounting 2 volumes" });
  world.beat("a");
  expect(since()).toBe(joined);
  world.now += 5000;
  world.prepared("a", isReady);
  expect(since()).toBe(world.now);
});

it("counts every node of a cluster in exactly one state, whatever happens", () => {
  const name = fc.constantFrom("a", "b", "c");
  const event = fc.oneof(
    fc.record({ kind: fc.constant("hello" as const), name, prepares: fc.boolean(), boot: fc.constantFrom("1", "2") }),
    fc.record({ kind: fc.constant("gone" as const), name }),
    fc.record({ kind: fc.constant("beat" as const), name, unhealthy: fc.constantFrom("", "no disk") }),
    fc.record({ kind: fc.constant("say" as const), name, state: fc.integer({ min: 0, max: 4 }), stale: fc.boolean() }),
    fc.record({ kind: fc.constant("retry" as const), name }),
    fc.record({ kind: fc.constant("drain" as const), name }),
    fc.record({ kind: fc.constant("size" as const), size: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant("job" as const) }),
    fc.record({ kind: fc.constant("end" as const), name }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(100, 5000, 20_000) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const world = site(2);
      let jobs = 0;
      for (const each of events) {
        // CoreWorld checks the laws after every step, this one among them.
        try {
          play(world, each);
        } catch (error) {
          if (!(error instanceof Error && error.name === "Fault")) throw error;
        }
      }
      const { counts, view } = cluster(world);
      expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(view.currentNodeCount);

      function play(at: CoreWorld, one: (typeof events)[number]): void {
        if (one.kind === "hello") at.hello(one.name, { prepares: one.prepares, bootId: one.boot });
        else if (one.kind === "gone") at.gone(one.name);
        else if (one.kind === "beat") at.beat(one.name, [], one.unhealthy);
        else if (one.kind === "say") {
          const report = { state: one.state, ...(one.state === 3 ? { error: { code: "X", message: "y" } } : {}) };
          at.prepared(one.name, one.stale ? { ...report, preparationId: "x.1.0" } : report);
        } else if (one.kind === "retry") at.send({ kind: "node-retry", id: one.name });
        else if (one.kind === "drain") at.send({ kind: "node-drain", id: one.name, reason: "" });
        else if (one.kind === "size")
          at.send({
            kind: "cluster-resize",
            id: "workspaces/w/clusters/c",
            scale: { manual: { targetNodeCount: one.size, nodeDeallocationOption: "" } } as never,
          });
        else if (one.kind === "job") {
          jobs += 1;
          at.submit(`j${jobs}`, {});
        } else if (one.kind === "end") {
          const held = [...at.state.jobs.values()].find((job) => "lease" in job.state);
          if (!held || !("lease" in held.state)) return;
          for (const event_ of [ready, exited(0, 0), done]) at.report(one.name, held.state.lease.id, event_);
        } else {
          at.now += one.ms;
          at.send({ kind: "tick" });
        }
      }
    }),
    { numRuns: 200 },
  );
}, 60_000);
