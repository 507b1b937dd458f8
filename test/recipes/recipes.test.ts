import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expected } from "./expected.js";
import { filesIn, Ground, type JobShown, recipesFolder, textOf } from "./ground.js";
import { putScripts } from "./scripts.js";
import { type Call, inVariables } from "./stand-ins.js";

/** Every published body, unchanged, on real daemons, real mounts, a real shell and a real mpirun. */
let ground: Ground;
let left: string[] | undefined;
const nameOf = (recipe: string) => recipe.replace(/[^-\w]/g, "_");

beforeAll(async () => {
  ground = await Ground.make();
  putScripts(ground);
  // All at once: each cluster has a queue.
  for (const [recipe, { cluster }] of Object.entries(expected)) {
    await ground.submit(nameOf(recipe), ground.bodyWithoutContainer(recipe), cluster);
  }
}, 120_000);
afterAll(async () => {
  left = await ground?.stop();
  expect(left).toEqual([]);
}, 60_000);

test("every job body here is run", () => {
  const bodies = readdirSync(recipesFolder).filter((name) => /[._]job(\.transcribed|_cntk)?\.json$/.test(name));
  expect(Object.keys(expected).sort()).toEqual(bodies.sort());
});

describe.each(Object.entries(expected))("%s", (recipe, wanted) => {
  const name = nameOf(recipe);
  let job: JobShown;
  let calls: Call[];
  let output: string;
  let nodes: string[];

  beforeAll(async () => {
    const { code, stderr } = await ground.wait(name);
    job = await ground.show(name);
    calls = ground.standIns.calls(name);
    nodes = wanted.nodes[0] === "m" ? [calls[0]?.environment.STOKER_NODE ?? ""] : wanted.nodes;
    output = join(ground.share(wanted.logs), job.jobOutputDirectoryPathSegment);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  }, 60_000);

  test("succeeds at the first attempt, with the service's defaults filled in", () => {
    expect(job).toMatchObject({ executionState: "succeeded", attempt: 1, toolType: wanted.toolType });
    expect(job.executionInfo).toMatchObject({ exitCode: 0 });
    expect(job).toMatchObject({ schedulingPriority: "normal", constraints: { maxWallClockTime: "P7D" } });
    const settings = Object.entries(job).find(([key]) => /Settings$/.test(key) && key !== "containerSettings");
    expect(settings?.[1]).toMatchObject(wanted.filledIn ?? {});
    const { mountVolumes } = job as { mountVolumes?: { azureFileShares?: Array<Record<string, unknown>> } };
    for (const share of mountVolumes?.azureFileShares ?? []) {
      expect(share).toMatchObject({ accountName: "acct", fileMode: "0777", directoryMode: "0777" });
      expect(JSON.stringify(share)).not.toContain("key==");
    }
  });

  test("starts what the file says, with these words", () => {
    const own = calls.filter(({ program }) => !["apt", "pip"].includes(program));
    expect(own.map((call) => inVariables(call, calls)).sort()).toEqual([...wanted.calls].sort());
    expect(ground.standIns.timesSourced(name)).toBe(wanted.sourced);
  });

  test("has its files under these names", () => {
    expect(filesIn(join(output, "stdouterr"))).toEqual([...wanted.stdFiles].sort());
    for (const [, path] of Object.entries(wanted.outputs)) expect(filesIn(join(output, path))).toBeInstanceOf(Array);
    const logs = wanted.stdFiles.filter((file) => file.startsWith("execution"));
    for (const file of logs) {
      const lines = textOf(join(output, "stdouterr", file))
        .trim()
        .split("\n");
      for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+ \S/);
      expect(lines.map((line) => line.split(" ").slice(2).join(" ")).join("\n")).toMatch(story);
    }
  });

  test("gives every process the variables of the service", () => {
    for (const call of calls) {
      const { environment } = call;
      const node = environment.STOKER_NODE ?? "";
      const at = `${ground.folder}/${node}`;
      const segment = `workspaces/ai/experiments/recipes/jobs/${name}`;
      const hosts = nodes.map((each) => hostOf[each] ?? (nodes.length === 1 ? "127.0.0.1" : each));
      const own = wanted.logs === "logs" || recipe.startsWith("Caffe-GPU");
      const stdBase = own ? `${at}/job-mounts/${segment}/` : `${at}/mounts/`;
      expect(environment).toMatchObject({
        AZ_BATCHAI_MOUNT_ROOT: `${at}/mounts`,
        AZ_BATCHAI_JOB_MOUNT_ROOT: `${at}/job-mounts/${segment}`,
        AZ_BATCHAI_JOB_TEMP: `${at}/jobs/${segment}`,
        AZ_BATCHAI_JOB_TEMP_DIR: `${at}/jobs`,
        AZ_BATCHAI_STDOUTERR_DIR: expect.stringMatching(
          new RegExp(`^${stdBase}.*/${job.jobOutputDirectoryPathSegment}/stdouterr$`),
        ),
        AZ_BATCHAI_SHARED_JOB_TEMP: expect.stringMatching(new RegExp(`^${stdBase}.*/shared$`)),
        AZ_BATCHAI_NUM_GPUS: "4",
        AZ_BATCHAI_NUM_GPUS_PER_NODE: "4",
        AZ_BATCH_HOST_LIST: hosts.join(","),
        AZ_BATCH_NODE_LIST: hosts.join(";"),
        AZ_BATCH_MASTER_NODE: `${hosts[0]}:6000`,
        AZ_BATCH_IS_CURRENT_NODE_MASTER: String(node === nodes[0]),
        AZ_BATCHAI_JOB_MASTER_NODE_IP: hosts[0],
        AZ_BATCHAI_MPI_MASTER_NODE: hosts[0],
      });
      expect(environment.AZ_BATCHAI_MPI_HOST_FILE).toMatch(/\/hostfile$/);
      for (const [id, path] of Object.entries(wanted.outputs)) {
        expect(environment[`AZ_BATCHAI_OUTPUT_${id}`]).toMatch(
          new RegExp(`/${job.jobOutputDirectoryPathSegment}/${path}$`),
        );
      }
    }
  });

  test("runs on these nodes, in equal parts, each process with its own index", () => {
    const own = calls.filter(
      ({ program, environment }) => program !== "apt" && program !== "pip" && !isServer(environment),
    );
    if (own.length === 0) return;
    const nodes = own.map(({ environment }) => environment.STOKER_NODE ?? "").sort();
    const each = own.length / nodes.length;
    expect(nodes).toEqual(nodes.flatMap((node) => Array<string>(each).fill(node)));
    const indices = own.map(
      ({ environment }) => environment.OMPI_COMM_WORLD_RANK ?? environment.AZ_BATCHAI_TASK_INDEX ?? "0",
    );
    expect(indices.sort()).toEqual(own.map((_, index) => String(index)));
  });

  test("has a host file in the service's form", () => {
    expect(ground.standIns.hostFile(name)).toBe(wanted.hostFile);
  });
});

test("TensorFlow: roles, their TF_CONFIG, the server stopped when the workers have ended", () => {
  const calls = ground.standIns.calls(nameOf("TensorFlow-GPU-Distributed.job.json"));
  const cluster = { ps: ["127.0.0.9:2222"], worker: ["127.0.0.9:2223", "127.0.0.10:2222"] };
  const tasks = calls.map(({ environment }) => JSON.parse(environment.TF_CONFIG ?? "{}") as { task: object });
  const inOrder = tasks.map((task) => JSON.stringify(task)).sort();
  expect(inOrder).toEqual(
    [
      { type: "ps", index: 0 },
      { type: "worker", index: 0 },
      { type: "worker", index: 1 },
    ].map((task) => JSON.stringify({ cluster, task, environment: "cloud" })),
  );
  for (const { environment } of calls) {
    expect(environment).toMatchObject({
      AZ_BATCHAI_PS_HOSTS: cluster.ps[0],
      AZ_BATCHAI_WORKER_HOSTS: cluster.worker.join(","),
    });
    expect(environment.CUDA_VISIBLE_DEVICES === "").toBe(isServer(environment));
  }
});

test("the preparation of a CNTK job wrote on every node's own disk; real MPI and real PyTorch did their work", async () => {
  const standing = (recipe: string, file: string) =>
    ground.show(nameOf(recipe)).then((job) => join(ground.share("logs"), job.jobOutputDirectoryPathSegment, file));
  const scored = await standing("Distributed-Batch-Scoring-in-Tensorflow-with-GPU.job.json", "outputs");
  expect(filesIn(scored)).toEqual(["labels-0-of-2", "labels-1-of-2"]);
  const trained = await standing("PyTorch-GPU-Distributed-Gloo.job.json", "stdouterr");
  for (const rank of [0, 1]) expect(textOf(join(trained, `stdout-${rank}.txt`))).toContain("sum over 2 ranks: 3.0");
  const prepared = await standing("CNTK-GPU-Python-Distributed.job.json", "stdouterr");
  for (const node of ["m1", "m2"])
    expect(textOf(join(prepared, `stdout-job_prep-${node}.txt`))).toContain(`${node}/jobs/`);
});

test("the pipe of the smallest custom job went into its output directory", async () => {
  const { jobOutputDirectoryPathSegment } = await ground.show(nameOf("azure-cli-test.custom_toolkit_job.json"));
  expect(textOf(join(ground.share("share"), jobOutputDirectoryPathSegment, "outputs/output/result.txt"))).toBe("hi\n");
});

/** The agent's steps, in their order. */
const story =
  /granted: .*\nmounting volumes\n(.* is mounted after \d+ ms\n)+\d+ directories are made after [\s\S]*\nprepared\n[\s\S]*its processes have ended/;

const hostOf: Record<string, string> = { d1: "127.0.0.9", d2: "127.0.0.10", a1: "127.0.0.11" };
const isServer = (environment: Record<string, string>) => /"type":"ps"/.test(environment.TF_CONFIG ?? "");
