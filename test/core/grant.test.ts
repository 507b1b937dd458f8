import { expect, test } from "vitest";
import type { Effect } from "../../coordinator/core/effects.js";
import { CoreWorld, type JobInit } from "../build.js";

type Grant = Extract<Effect, { kind: "grant-lease" }>["grant"];

function started(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.fileServer("nas", { existing: { host: "nas.lab", export: "/data", mountOptions: "vers=4.2" } });
  world.cluster("c", {
    scaleSettings: { manual: { targetNodeCount: 2 } },
    nodeSetup: { mountVolumes: { fileServers: [{ fileServer: { id: "nas" }, relativeMountPath: "nfs" }] } },
  });
  world.hello("b", { gpus: 2, address: "10.0.0.10" });
  world.hello("a", { gpus: 2, address: "10.0.0.9" });
  return world;
}

function granted(spec: JobInit, world = started()): Grant[] {
  const { effects } = world.submit("j", spec);
  return effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
}

const variables = (grant: Grant | undefined) =>
  Object.fromEntries((grant?.environment ?? []).map(({ name, value }) => [name, value]));
const segment = "workspaces/w/experiments/e/jobs/j";

test("a gang's plan: hosts ascending, Batch AI's variables, places, mounts and names", () => {
  const [first, second] = granted({
    nodeCount: 2,
    stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nfs/",
    inputDirectories: [{ id: "DATA", path: "$AZ_BATCHAI_MOUNT_ROOT/nfs/digits" }],
    outputDirectories: [{ id: "MODEL", pathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nfs", pathSuffix: "models" }],
    environmentVariables: [{ name: "MINE", value: "$AZ_BATCHAI_OUTPUT_MODEL/x" }],
    secrets: [{ name: "KEY", value: "$not-expanded" }],
    mountVolumes: {
      fileServers: [
        { fileServer: { id: "nas" }, relativeMountPath: "job", sourceDirectory: "/sets/", mountOptions: "ro" },
      ],
      unmanagedFileSystems: [{ mountCommand: "mount -t cifs //x/y", relativeMountPath: "cifs" }],
    },
    jobPreparation: { commandLine: "prepare" },
  });
  const uuid = first?.jobUuid;
  const base = `$AZ_BATCHAI_MOUNT_ROOT/nfs/${segment}/${uuid}`;
  expect(first?.nodes).toEqual([
    { name: "a", host: "10.0.0.9" },
    { name: "b", host: "10.0.0.10" },
  ]);
  expect(first).toMatchObject({
    stdDirectory: `${base}/stdouterr`,
    jobPathSegment: segment,
    startWhenReady: false,
    preparationCommandLine: "prepare",
    executionLogName: "execution-a.log",
    preparationStdoutName: "stdout-job_prep-a.txt",
    gpuUuids: ["a-gpu-0", "a-gpu-1"],
    hostFile: "10.0.0.9 slots=2 max-slots=2\n10.0.0.10 slots=2 max-slots=2\n",
    secrets: [{ name: "KEY", value: "$not-expanded" }],
    clusterMounts: [
      {
        relativeMountPath: "nfs",
        kind: { case: "nfs", value: { host: "nas.lab", export: "/data", options: "vers=4.2" } },
      },
    ],
    jobMounts: [
      {
        relativeMountPath: "job",
        kind: { case: "nfs", value: { host: "nas.lab", export: "/data/sets", options: "ro" } },
      },
      { relativeMountPath: "cifs", kind: { case: "command", value: { command: "mount -t cifs //x/y" } } },
    ],
  });
  expect(first?.directories).toEqual([`${base}/outputs/models`, `${base}/checkpoints`, `${base}/shared`]);
  expect(variables(first)).toMatchObject({
    AZ_BATCHAI_SHARED_JOB_TEMP: `${base}/shared`,
    AZ_BATCHAI_STDOUTERR_DIR: `${base}/stdouterr`,
    AZ_BATCHAI_NUM_GPUS: "2",
    AZ_BATCHAI_INPUT_DATA: "$AZ_BATCHAI_MOUNT_ROOT/nfs/digits",
    AZ_BATCHAI_OUTPUT_MODEL: `${base}/outputs/models`,
    AZ_BATCH_HOST_LIST: "10.0.0.9,10.0.0.10",
    AZ_BATCH_NODE_LIST: "10.0.0.9;10.0.0.10",
    AZ_BATCH_MASTER_NODE: "10.0.0.9:6000",
    AZ_BATCH_IS_CURRENT_NODE_MASTER: "true",
    STOKER_ATTEMPT: "1",
    STOKER_CHECKPOINT_DIR: `${base}/checkpoints`,
    OMPI_MCA_plm_rsh_agent: "$STOKER_RSH",
    PRTE_MCA_plm_ssh_agent: "$STOKER_RSH",
    MINE: "$AZ_BATCHAI_OUTPUT_MODEL/x",
  });
  const names = (first?.environment ?? []).map(({ name }) => name);
  expect(names.indexOf("AZ_BATCHAI_OUTPUT_MODEL")).toBeLessThan(names.indexOf("MINE"));
  expect(variables(second).AZ_BATCH_IS_CURRENT_NODE_MASTER).toBe("false");
  expect(first?.ranks).toHaveLength(1);
  expect(second?.ranks).toHaveLength(0);
});

test("agents on one machine are called by name, and keep to loopback", () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.hello("n1", { address: "192.168.1.7" });
  world.hello("n2", { address: "192.168.1.7" });
  const [first] = granted({ nodeCount: 2 }, world);
  expect(first?.nodes.map(({ host }) => host)).toEqual(["n1", "n2"]);
  expect(variables(first)).toMatchObject({
    ...{ OMPI_MCA_btl: "tcp,self", HYDRA_IFACE: "lo" },
    // Without these Open MPI 5 waits for ever, or refuses more ranks than the machine has cores.
    ...{ OMPI_MCA_coll: "^han", PRTE_MCA_hwloc_default_binding_policy: "none" },
  });
});

test("one node starts by itself, writes plain names, and without a prefix keeps everything in its temp", () => {
  const [only] = granted({ nodeCount: 1, resources: { gpus: 1, cpus: 2 } });
  expect(only).toMatchObject({ startWhenReady: true, executionLogName: "execution.log", stdDirectory: "", cpus: 2 });
  expect(only?.gpuUuids).toHaveLength(1);
  expect(only?.memoryBytes).toBe(8n << 30n);
  expect(variables(only).STOKER_CHECKPOINT_DIR).toBe("$AZ_BATCHAI_JOB_TEMP/checkpoints");
});

test("the same grant again is the same", () => {
  const world = started();
  const [first] = granted({ nodeCount: 1, resources: { cpus: 1 } }, world);
  const name = first?.nodes[0]?.name ?? "";
  const again = world.hello(name, { gpus: 2, address: name === "a" ? "10.0.0.9" : "10.0.0.10" });
  expect(again.effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []))).toEqual([first]);
});
