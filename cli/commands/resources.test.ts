import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Fault } from "../../shared/fault.js";
import { AllocationState } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { NodeState } from "../../shared/gen/stoker/v1/node_pb.js";
import { ProvisioningState } from "../../shared/gen/stoker/v1/provisioning_pb.js";
import { type Answers, FakeCoordinator, makeJob, succeeded } from "../testing/fake-coordinator.js";
import type { FakeWorld } from "../testing/fake-world.js";

let coordinator: FakeCoordinator;
afterEach(() => coordinator[Symbol.asyncDispose]());

async function given(answers: Answers): Promise<FakeWorld> {
  coordinator = await FakeCoordinator.start(answers);
  return coordinator.world();
}

test("workspace create sends name, location and tags, and prints a row", async () => {
  const world = await given({
    workspaces: {
      createWorkspace: ({ name, location, tags, idempotencyKey }) => {
        expect({ name, location, tags, key: idempotencyKey !== "" }).toEqual({
          name: "lab",
          location: "here",
          tags: { a: "b=c" },
          key: true,
        });
        return { workspace: { name, location, provisioningState: ProvisioningState.SUCCEEDED } };
      },
    },
  });
  expect(await world.run("workspace", "create", "-n", "lab", "-l", "here", "--tag", "a=b=c")).toBe(0);
  expect(world.stdout).toBe("Name  Location  State\n----  --------  ---------\nlab   here      succeeded\n");
});

test("a create that meets a coordinator in its restart is repeated with the same key", async () => {
  const keys: string[] = [];
  const world = await given({
    experiments: {
      createExperiment: ({ idempotencyKey, name, parent }) => {
        keys.push(idempotencyKey);
        if (keys.length < 3) throw new Fault("unavailable", "stopping");
        return { experiment: { name, id: `${parent}/experiments/${name}` } };
      },
    },
  });
  expect(await world.run("experiment", "create", "-n", "second")).toBe(0);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).not.toBe("");
});

test("the user's own idempotency key is the one that is sent", async () => {
  const world = await given({
    experiments: { createExperiment: ({ idempotencyKey }) => ({ experiment: { name: idempotencyKey } }) },
  });
  expect(await world.run("experiment", "create", "-n", "second", "--idempotency-key", "mine")).toBe(0);
  expect(world.stdout).toMatch(/mine/);
});

test("job create loads the body and gives the cluster its id; unknown keys are told on stderr", async () => {
  const world = await given({
    jobs: {
      createJob: ({ parent, name, spec }) => {
        expect(parent).toBe("workspaces/lab/experiments/first");
        return { job: makeJob({ name, ...(spec ? { spec } : {}) }) };
      },
    },
  });
  const file = join(world.configFolder, "job.yaml");
  writeFileSync(file, "nodeCount: 2\nfoo: 1\ncustomToolkitSettings: {commandLine: 'true'}\n");
  expect(await world.run("job", "create", "-n", "j1", "-c", "gpus", "-f", file, "-o", "json")).toBe(0);
  expect(world.stderr).toBe(`stoker: ${file}: ignored unknown keys: foo\n`);
  expect(JSON.parse(world.stdout)).toMatchObject({
    name: "j1",
    type: "Microsoft.BatchAI/workspaces/experiments/jobs",
    nodeCount: 2,
    cluster: { id: "workspaces/lab/clusters/gpus" },
    customToolkitSettings: { commandLine: "true" },
    executionState: "running",
  });
});

test("a body comes from stdin too, and the cluster from the environment", async () => {
  const world = await given({
    jobs: { createJob: ({ spec }) => ({ job: makeJob({ name: spec?.cluster?.id ?? "" }) }) },
  });
  world.stdin = '{"properties": {"customToolkitSettings": {"commandLine": "true"}}}';
  world.environment.STOKER_CLUSTER = "pool";
  expect(await world.run("job", "create", "j1", "-f", "-")).toBe(0);
  expect(world.stdout).toMatch("workspaces/lab/clusters/pool");
});

test("job list shows what az showed", async () => {
  const world = await given({
    jobs: { listJobs: () => ({ jobs: [succeeded(), makeJob({ name: "second" })] }) },
  });
  expect(await world.run("job", "list")).toBe(0);
  expect(world.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["Name", "Cluster", "Cluster Workspace", "Tool", "Nodes", "State", "Exit code"],
    expect.anything(),
    ["train", "gpus", "lab", "custom", "1", "succeeded", "0"],
    ["second", "gpus", "lab", "custom", "1", "running"],
    [""],
  ]);
});

test("lists come in pages, and the way to the next one is told", async () => {
  const asked: Array<[number, string]> = [];
  const world = await given({
    jobs: {
      listJobs: ({ pageSize, pageToken }) => {
        asked.push([pageSize, pageToken]);
        return { jobs: [makeJob({ name: `j${pageToken}` })], nextPageToken: pageToken === "" ? "two" : "" };
      },
    },
  });
  expect(await world.run("job", "list", "--page-size", "1", "-o", "json")).toBe(0);
  expect(JSON.parse(world.stdout)).toHaveLength(1);
  expect(world.stderr).toMatch(/--page-token two/);
  const all = coordinator.world();
  expect(await all.run("job", "list", "--all", "-o", "json")).toBe(0);
  expect(JSON.parse(all.stdout)).toMatchObject([{ name: "j" }, { name: "jtwo" }]);
  expect(asked).toEqual([
    [1, ""],
    [0, ""],
    [0, "two"],
  ]);
});

test("cluster show says state, counts and shortage", async () => {
  const world = await given({
    clusters: {
      getCluster: ({ id }) => ({
        cluster: {
          id,
          name: "gpus",
          spec: { vmSize: "any", scaleSettings: { autoScale: { minimumNodeCount: 0, maximumNodeCount: 4 } } },
          allocationState: AllocationState.RESIZING,
          provisioningState: ProvisioningState.SUCCEEDED,
          nodeStateCounts: { idleNodeCount: 1 },
          shortage: "no free machine",
          preparing: ["m1: running the setup task for 40 s"],
          warnings: ["m2: its owner allows no accounts"],
        },
      }),
    },
  });
  expect(await world.run("cluster", "show", "-n", "gpus")).toBe(0);
  expect(world.stdout).toMatch(/State: +resizing\n/);
  expect(world.stdout).toMatch(/Target: +automatic, 0 to 4\n/);
  expect(world.stdout).toMatch(/Shortage: +no free machine\n/);
  expect(world.stdout).toMatch(/Preparing: +m1: running the setup task for 40 s\n/);
  expect(world.stdout).toMatch(/Warning: +m2: its owner allows no accounts\n/);
  const json = coordinator.world();
  await json.run("cluster", "show", "-n", "gpus", "-o", "json");
  expect(JSON.parse(json.stdout)).toMatchObject({ currentNodeCount: 0, errors: [], allocationState: "resizing" });
});

test("delete asks, and waits until it is gone", async () => {
  let looks = 0;
  const world = await given({
    clusters: {
      deleteCluster: () => ({}),
      getCluster: ({ id }) => {
        looks += 1;
        if (looks > 1) throw new Fault("not-found", "gone");
        return { cluster: { id, provisioningState: ProvisioningState.DELETING } };
      },
    },
  });
  expect(await world.run("cluster", "delete", "-n", "gpus")).toBe(2);
  expect(world.stderr).toMatch(/Delete workspaces\/lab\/clusters\/gpus\? Give -y/);
  world.isInteractive = true;
  world.answers = ["n", "y"];
  expect(await world.run("cluster", "delete", "-n", "gpus")).toBe(1);
  expect(looks).toBe(0);
  expect(await world.run("cluster", "delete", "-n", "gpus")).toBe(0);
  expect(looks).toBe(2);
  expect(await world.run("cluster", "delete", "-n", "gpus", "-y", "--no-wait")).toBe(0);
  expect(looks).toBe(2);
});

test("nodes are listed, drained and resumed", async () => {
  const node = (given: object) => ({
    name: "m1.lab",
    state: NodeState.IDLE,
    clusterId: "workspaces/lab/clusters/gpus",
    ...given,
  });
  const world = await given({
    nodes: {
      listNodes: ({ clusterId }) => ({
        nodes: [node({ reason: clusterId, inventory: { cpus: 8, gpus: [{ model: "A100" }, { model: "A100" }] } })],
      }),
      drainNode: ({ id, reason }) => ({ node: node({ name: id, reason, drained: true }) }),
      resumeNode: ({ id }) => ({ node: node({ name: id }) }),
      retryNode: ({ id }) => ({ node: node({ name: id, state: NodeState.PREPARING, reason: "mounting 1 volume" }) }),
    },
  });
  expect(await world.run("node", "list", "-c", "gpus", "-o", "json")).toBe(0);
  expect(JSON.parse(world.stdout)).toMatchObject([{ reason: "workspaces/lab/clusters/gpus", state: "idle" }]);
  const table = coordinator.world();
  await table.run("node", "list");
  expect(table.stdout).toMatch(/m1\.lab +idle +gpus +8 +2 x A100/);
  const drained = coordinator.world();
  expect(await drained.run("node", "drain", "-n", "m1.lab", "--reason", "fan")).toBe(0);
  expect(drained.stdout).toMatch(/nodes\/m1\.lab +idle \(drained\)/);
  expect(await coordinator.world().run("node", "resume", "m1.lab")).toBe(0);
});

test("an empty list is a header, so that a script sees that it was answered", async () => {
  const world = await given({ workspaces: { listWorkspaces: () => ({ workspaces: [] }) } });
  expect(await world.run("workspace", "list")).toBe(0);
  expect(world.stdout).toBe("Name  Location  State\n----  --------  -----\n");
});

test("a file server by flags alone", async () => {
  const world = await given({
    fileServers: { createFileServer: ({ name, spec }) => ({ fileServer: { name, ...(spec ? { spec } : {}) } }) },
  });
  expect(await world.run("file-server", "create", "-n", "filer", "--existing", "nas:/data", "-o", "json")).toBe(0);
  expect(JSON.parse(world.stdout)).toMatchObject({ existing: { host: "nas", export: "/data" } });
});

test("a cluster by flags alone", async () => {
  const world = await given({
    clusters: { createCluster: ({ name, spec }) => ({ cluster: { name, ...(spec ? { spec } : {}) } }) },
  });
  expect(await world.run("cluster", "create", "-n", "c", "-s", "any", "-t", "2", "-o", "json")).toBe(0);
  expect(JSON.parse(world.stdout)).toMatchObject({ vmSize: "any", scaleSettings: { manual: { targetNodeCount: 2 } } });
});

test("cluster resize and auto-scale send the new settings alone", async () => {
  const sent: unknown[] = [];
  const world = await given({
    clusters: {
      updateCluster: ({ id, scaleSettings }) => {
        const { manual, autoScale } = scaleSettings ?? {};
        sent.push({ id, target: manual?.targetNodeCount, option: manual?.nodeDeallocationOption });
        sent.push({ min: autoScale?.minimumNodeCount, max: autoScale?.maximumNodeCount });
        return { cluster: { name: "c" } };
      },
    },
  });
  expect(await world.run("cluster", "resize", "-w", "lab", "-n", "c", "-t", "0", "--when-busy", "terminate")).toBe(0);
  expect(await world.run("cluster", "auto-scale", "-w", "lab", "-n", "c", "--min", "1", "--max", "4")).toBe(0);
  expect(await world.run("cluster", "resize", "-w", "lab", "-n", "c")).toBe(2);
  expect(world.stderr).toMatch(/--target: say how many nodes/);
  const id = "workspaces/lab/clusters/c";
  expect(sent).toEqual([
    { id, target: 0, option: "terminate" },
    { min: undefined, max: undefined },
    { id, target: undefined, option: undefined },
    { min: 1, max: 4 },
  ]);
});

test("storage map takes a name of the workspace or a whole id, with a path below it", async () => {
  const sent: unknown[] = [];
  const world = await given({
    storage: {
      setStorageMapping: ({ source, fileServerId, path }) => {
        sent.push([source, fileServerId, path]);
        return { mapping: { source, fileServerId, path } };
      },
      listStorageMappings: () => ({
        mappings: [{ source: "a/*", fileServerId: "workspaces/l/fileServers/f", path: "x" }],
      }),
      deleteStorageMapping: ({ source }) => {
        sent.push(source);
        return {};
      },
    },
  });
  expect(await world.run("storage", "map", "-w", "lab", "acct/share", "filer/azure/{name}")).toBe(0);
  expect(await world.run("storage", "map", "*/*", "workspaces/l/fileServers/f")).toBe(0);
  expect(await world.run("storage", "unmap", "acct/share")).toBe(0);
  expect(sent).toEqual([
    ["acct/share", "workspaces/lab/fileServers/filer", "azure/{name}"],
    ["*/*", "workspaces/l/fileServers/f", ""],
    "acct/share",
  ]);
  expect(await world.run("storage", "list", "-o", "json")).toBe(0);
  expect(world.stdout).toMatch(/"source": "a\/\*"/);
  expect(await world.run("storage", "map", "-w", "lab", "a/b", "f", "more")).toBe(2);
  expect(world.stderr).toMatch(/too many arguments/);
});

test("a silent machine is declared lost only by somebody who says that it is off", async () => {
  const asked: string[] = [];
  coordinator = await FakeCoordinator.start({
    nodes: {
      declareNodeLost: ({ id }) => {
        asked.push(id);
        return { node: { id, name: "m1", state: NodeState.LOST } };
      },
    },
  });
  const hasty = coordinator.world();
  expect(await hasty.run("node", "declare-lost", "m1")).toBe(2);
  expect(hasty.stderr).toContain("would run twice");
  expect(asked).toEqual([]);
  const sure = coordinator.world();
  expect(await sure.run("node", "declare-lost", "m1", "--i-have-checked-that-it-is-off")).toBe(0);
  expect(sure.stdout).toContain("lost");
  expect(asked).toEqual(["nodes/m1"]);
});
