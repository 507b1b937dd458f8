import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";
import { RecordedSmi } from "../fakes/recorded-smi/scene.js";

/** A machine whose only GPU is divided into four. */
const gpu = "GPU-513536b6-7d19-9063-b049-1e69664bb298";
const parts = [0, 1, 2, 3].map((at) => `MIG-00000000-0000-0000-0000-00000000000${at}`);
/** Of the recording, in the order of its parts. */
const gpuInstances = [3, 4, 5, 6];

let folder: string;
let smi: RecordedSmi;
let site: LocalSite;
let connection: Connection;
let stranger: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-mig-"));
  smi = new RecordedSmi(join(folder, "smi"), "v12-535.54-a100-sxm4-mig.xml");
  const lines = parts.map((uuid, at) => `  MIG 1g.10gb     Device  ${at}: (UUID: ${uuid})`);
  writeFileSync(join(folder, "list"), [`GPU 0: NVIDIA A100-SXM4-80GB (UUID: ${gpu})`, ...lines, ""].join("\n"));
  smi.change({ list: join(folder, "list") });
  const agentFlags = ["--cpus", "8", "--nvidia-smi", smi.program, "--sample-interval", "0.5"];
  site = await LocalSite.start({ folder: join(folder, "site"), nodes: ["m1"], agentFlags });
  connection = connect(site.address, site.credential);
  await connection.client(WorkspaceService).createWorkspace({ name: "w" });
  await connection.client(ExperimentService).createExperiment({ parent: "workspaces/w", name: "e" });
  const spec = { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 1 } } };
  await connection.client(ClusterService).createCluster({ parent: "workspaces/w", name: "c", spec });
}, 120_000);

afterAll(async () => {
  stranger?.kill("SIGKILL");
  connection?.close();
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const node = async (): Promise<Node> => {
  const { node: found } = await connection.client(NodeService).getNode({ id: "nodes/m1" });
  if (!found) throw new Error("there is no node m1");
  return found;
};

const read = (name: string) => {
  try {
    return readFileSync(join(folder, name), "utf8").trim() || undefined;
  } catch {
    // Not yet.
    return undefined;
  }
};

it("parts of a GPU are offered and given one by one, and it is seen what each does and for whom", async () => {
  await until("its parts", async () => (await node()).inventory?.gpus.length === parts.length, 60_000);
  for (const name of ["one", "two"]) {
    const commandLine = `echo $CUDA_VISIBLE_DEVICES > ${folder}/${name}.seen; echo $$ > ${folder}/${name}.pid; exec sleep 600`;
    const toolkit = { case: "customToolkitSettings" as const, value: { commandLine } };
    const spec = { cluster: { id: "c" }, nodeCount: 1, resources: { gpus: 1, cpus: 1 }, toolkit };
    await connection.client(JobService).createJob({ parent: "workspaces/w/experiments/e", name, spec });
  }
  const seen = await until(
    "both run",
    () => {
      const both = ["one", "two"].map((name) => read(`${name}.pid`) && read(`${name}.seen`));
      return both.every((uuid) => uuid !== undefined) ? both : undefined;
    },
    60_000,
  );
  expect(new Set(seen).size).toBe(2);
  for (const uuid of seen) expect(parts).toContain(uuid);
  const held = (await node()).allocations.flatMap(({ gpuUuids }) => gpuUuids);
  expect([...held].sort()).toEqual([...seen].sort());

  // One of them uses its part, and somebody's process another.
  stranger = spawn("sleep", ["600"], { stdio: "ignore" });
  const at = parts.indexOf(seen[0] ?? "");
  const other = parts.findIndex((uuid) => !seen.includes(uuid));
  const on = (place: number) => ({ gpuInstance: gpuInstances[place] ?? -1, computeInstance: 0 });
  smi.gpu(0, {
    processes: [
      { pid: Number(read("one.pid")), name: "/usr/bin/python3 train.py --key secret", ...on(at) },
      { pid: stranger.pid ?? -1, name: "blender", ...on(other) },
    ],
    // What is odd is looked at at once, and not when a whole reading is due.
    values: { "temperature.gpu": "Unknown Error" },
  });
  const told = await until(
    "its processes",
    async () => {
      const list = (await node()).telemetry?.gpuProcesses?.processes ?? [];
      return list.length === 2 ? list : undefined;
    },
    60_000,
  );
  expect(told).toMatchObject([
    { gpuUuid: seen[0], name: "python3", jobId: "workspaces/w/experiments/e/jobs/one", attempt: 1, leaseId: "" },
    { gpuUuid: parts[other], name: "blender", jobId: "", leaseId: "" },
  ]);
  const { stdout } = await site.run(["node", "show", "m1"]);
  expect(stdout).toMatch(
    new RegExp(`on GPU 0/${at}: +process ${read("one.pid")}, python3 as \\S+, 1.0 GiB, job one \\(attempt 1\\)`),
  );
  expect(stdout).toMatch(
    new RegExp(`on GPU 0/${other}: +process ${stranger.pid}, blender as \\S+, 1.0 GiB, a stranger's`),
  );
  expect(stdout).not.toContain("secret");
  expect(stdout).toMatch(/GPU 0\/0: +NVIDIA A100-SXM4-80GB MIG 1g.10gb, MIG-.*GiB of \d/);

  const { nodes } = await connection.client(NodeService).listNodes({});
  expect(nodes[0]?.telemetry?.gpuProcesses).toBeUndefined();
  const { history } = await connection.client(NodeService).getNodeHistory({ id: "nodes/m1" });
  const memory = history?.series.find(({ name }) => name === `gpu:${seen[0]}:memory_used_bytes`);
  expect(memory?.means.some((mean) => mean > 0)).toBe(true);
  expect((await site.run(["top", "--once"])).stdout).toMatch(/GPU 0\/3 .*GiB/);
}, 180_000);
