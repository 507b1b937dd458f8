import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { admitToolkit, expandToolkit, toolkits } from "./index.js";
import { hostFile } from "./mpi.js";
import { type Gang, spread } from "./toolkit.js";

type Toolkit = MessageInitShape<typeof JobSpecSchema>["toolkit"];

const specOf = (toolkit: Toolkit, nodeCount = 2) => create(JobSpecSchema, { nodeCount, toolkit } as never);

const gang: Gang = {
  nodes: [
    { name: "a", host: "10.0.0.4", cpus: 4, gpuUuids: ["GPU-a0", "GPU-a1"] },
    { name: "b", host: "10.0.0.5", cpus: 4, gpuUuids: ["GPU-b0", "GPU-b1"] },
  ],
  attempt: 3,
  oneMachine: false,
  isTempShared: true,
  whole: true,
  port: 23_456,
  slots: 2,
};

const expanded = (toolkit: Toolkit, over: Partial<Gang> = {}) => {
  const spec = specOf(toolkit);
  return expandToolkit({ ...spec, toolkit: admitToolkit(spec) }, { ...gang, ...over });
};

const variableIn = (variables: ReadonlyArray<{ name: string; value: string }>, name: string) =>
  variables.find((variable) => variable.name === name)?.value;

test("a custom command runs once, on the first node, and its end decides", () => {
  const { ranks, slotsByNode, endsWith } = expanded({
    case: "customToolkitSettings",
    value: { commandLine: "echo hi | tee x" },
  });
  expect(ranks).toMatchObject([{ rank: 0, nodeIndex: 0, commandLine: "echo hi | tee x", stdoutName: "stdout.txt" }]);
  expect(slotsByNode).toEqual([2, 2]);
  expect(endsWith).toBe("first");
});

test("an MPI command is one logged rank that launches processCount of them, evenly", () => {
  const { ranks, slotsByNode } = expanded({
    case: "customMpiSettings",
    value: { commandLine: "./train 'a b'", processCount: 3 },
  });
  expect(ranks).toHaveLength(1);
  expect(slotsByNode).toEqual([2, 1]);
  const [{ commandLine = "" } = {}] = ranks;
  expect(commandLine).toMatch(/-np 3 /);
  expect(commandLine).toMatch(/-n 3 -genvnone/);
  expect(commandLine).toContain(`./train '\\''a b'\\''`);
  expect(commandLine).toMatch(/\. ~\/\.bashrc/);
});

test("processCount is one a node when it is not given", () => {
  for (const name of ["customMpiSettings", "pyTorchSettings"] as const) {
    const value = name === "customMpiSettings" ? { commandLine: "x" } : { pythonScriptFilePath: "x.py" };
    expect(admitToolkit(specOf({ case: name, value } as Toolkit))).toMatchObject({ value: { processCount: 2 } });
  }
});

test("PyTorch's own processes know who they are and where to meet", () => {
  const settings = {
    pythonScriptFilePath: "$S/t.py",
    commandLineArgs: "--rank $AZ_BATCHAI_TASK_INDEX",
    processCount: 4,
    communicationBackend: "gloo",
  };
  const { ranks, environment, endsWith } = expanded({ case: "pyTorchSettings", value: settings });
  expect(ranks.map(({ nodeIndex }) => nodeIndex)).toEqual([0, 0, 1, 1]);
  expect(ranks.map(({ environment }) => variableIn(environment, "AZ_BATCHAI_TASK_INDEX"))).toEqual([
    "0",
    "1",
    "2",
    "3",
  ]);
  expect(ranks.map(({ environment }) => variableIn(environment, "LOCAL_RANK"))).toEqual(["0", "1", "0", "1"]);
  expect(ranks[3]).toMatchObject({ stdoutName: "stdout-3.txt", stderrName: "stderr-3.txt" });
  expect(ranks[0]?.commandLine).toBe("$(command -v python || echo python3) $S/t.py --rank $AZ_BATCHAI_TASK_INDEX");
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_INIT_METHOD")).toBe(
    "file://$AZ_BATCHAI_SHARED_JOB_TEMP/pytorch-init-3",
  );
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_BACKEND")).toBe("gloo");
  expect(variableIn(environment, "WORLD_SIZE")).toBe("4");
  expect(variableIn(environment, "MASTER_ADDR")).toBe("10.0.0.4");
  expect(endsWith).toBe("all");
});

test("without a shared directory PyTorch meets on the first node's port", () => {
  const settings = { pythonScriptFilePath: "t.py" };
  const { environment } = expanded({ case: "pyTorchSettings", value: settings }, { isTempShared: false });
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_INIT_METHOD")).toBe("tcp://10.0.0.4:23456");
});

test("PyTorch over MPI goes by the launcher", () => {
  const settings = { pythonScriptFilePath: "t.py", communicationBackend: "mpi" };
  const { ranks, environment } = expanded({ case: "pyTorchSettings", value: settings });
  expect(ranks).toHaveLength(1);
  expect(ranks[0]?.commandLine).toMatch(/STOKER_RSH/);
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_BACKEND")).toBe("mpi");
});

test.each<[Toolkit, string]>([
  [{ case: "horovodSettings", value: { pythonScriptFilePath: "h.py", commandLineArgs: "-e 1" } }, " h.py -e 1"],
  [{ case: "chainerSettings", value: { pythonScriptFilePath: "c.py", pythonInterpreterPath: "py3" } }, "py3 c.py"],
  [
    { case: "cntkSettings", value: { configFilePath: "$D/x.cntk", commandLineArgs: "a=b" } },
    "cntk configFile=$D/x.cntk a=b",
  ],
  [{ case: "cntkSettings", value: { pythonScriptFilePath: "x.py", pythonInterpreterPath: "py3" } }, "py3 x.py"],
  [{ case: "caffeSettings", value: { configFilePath: "s.prototxt" } }, "caffe train --solver=s.prototxt"],
])("%j is launched by MPI, one process a node", (toolkit, command) => {
  const { ranks, slotsByNode } = expanded(toolkit);
  expect(ranks).toHaveLength(1);
  expect(ranks[0]?.stdoutName).toBe("stdout.txt");
  expect(ranks[0]?.commandLine).toContain(`${command}'`);
  expect(slotsByNode).toEqual([1, 1]);
});

test("CNTK's language is that of the path given", () => {
  for (const [value, languageType] of [
    [{ configFilePath: "c" }, "BrainScript"],
    [{ pythonScriptFilePath: "p" }, "Python"],
    [{ languageType: "python", pythonScriptFilePath: "p" }, "Python"],
  ] as const) {
    expect(admitToolkit(specOf({ case: "cntkSettings", value }))).toMatchObject({ value: { languageType } });
  }
});

test("Caffe runs one process without a launcher", () => {
  const { ranks } = expanded({ case: "caffeSettings", value: { configFilePath: "s", processCount: 1 } });
  expect(ranks[0]?.commandLine).toBe("caffe train --solver=s");
});

test("Caffe2 has one process a node, its index being its shard", () => {
  const { ranks, endsWith } = expanded({ case: "caffe2Settings", value: { pythonScriptFilePath: "x.py" } });
  expect(ranks.map(({ nodeIndex }) => nodeIndex)).toEqual([0, 1]);
  expect(ranks.map(({ environment }) => variableIn(environment, "AZ_BATCHAI_TASK_INDEX"))).toEqual(["0", "1"]);
  expect(ranks[1]).toMatchObject({ stdoutName: "stdout-1.txt", stderrName: "stderr-1.txt" });
  expect(endsWith).toBe("all");
});

const tensorFlow = (value: object, over: Partial<Gang> = {}) =>
  expanded({ case: "tensorFlowSettings", value: { pythonScriptFilePath: "t.py", ...value } } as Toolkit, over);

test("TensorFlow's master is worker 0; servers come first on their nodes' ports", () => {
  const { ranks, environment } = tensorFlow({
    masterCommandLineArgs: "--master",
    workerCommandLineArgs: "--worker",
    parameterServerCommandLineArgs: "--ps",
  });
  expect(variableIn(environment, "AZ_BATCHAI_PS_HOSTS")).toBe("10.0.0.4:2222");
  expect(variableIn(environment, "AZ_BATCHAI_WORKER_HOSTS")).toBe("10.0.0.4:2223,10.0.0.5:2222");
  const told = ranks.map(({ nodeIndex, commandLine, stdoutName, environment: own, serves }) => [
    nodeIndex,
    commandLine.split(" ").at(-1),
    stdoutName,
    variableIn(own, "AZ_BATCHAI_TASK_INDEX"),
    serves ?? false,
  ]);
  expect(told).toEqual([
    [0, "--master", "stdout-wk-0.txt", "0", false],
    [1, "--worker", "stdout-wk-1.txt", "1", false],
    [0, "--ps", "stdout-ps-0.txt", "0", true],
  ]);
  const config = JSON.parse(variableIn(ranks[1]?.environment ?? [], "TF_CONFIG") ?? "");
  expect(config).toEqual({
    cluster: { ps: ["10.0.0.4:2222"], worker: ["10.0.0.4:2223", "10.0.0.5:2222"] },
    task: { type: "worker", index: 1 },
    environment: "cloud",
  });
});

test("TensorFlow's processes that share a node don't share its GPUs", () => {
  const { ranks } = tensorFlow({ workerCount: 4, parameterServerCount: 1 });
  const seen = ranks.map(({ environment }) => variableIn(environment, "CUDA_VISIBLE_DEVICES"));
  expect(seen).toEqual(["GPU-a0", "GPU-a1", "GPU-b0", "GPU-b1", ""]);
  const [alone] = tensorFlow({}, { nodes: [{ name: "a", host: "h", cpus: 1, gpuUuids: ["g"] }] }).ranks;
  expect(alone).toMatchObject({ stdoutName: "stdout-wk-0.txt" });
  expect(variableIn(alone?.environment ?? [], "CUDA_VISIBLE_DEVICES")).toBeUndefined();
});

test("on one machine TensorFlow's addresses are distinct ports of it", () => {
  const { environment } = tensorFlow({}, { oneMachine: true });
  expect(variableIn(environment, "AZ_BATCHAI_PS_HOSTS")).toBe("127.0.0.1:23456");
  expect(variableIn(environment, "AZ_BATCHAI_WORKER_HOSTS")).toBe("127.0.0.1:23457,127.0.0.1:23458");
});

test.each<[Toolkit, RegExp]>([
  [{ case: undefined }, /exactly one of/],
  [{ case: "customMpiSettings", value: { commandLine: " " } }, /customMpiSettings.commandLine: is required/],
  [{ case: "customMpiSettings", value: { commandLine: "x", processCount: -1 } }, /customMpiSettings.processCount/],
  [{ case: "pyTorchSettings", value: {} }, /pyTorchSettings.pythonScriptFilePath: is required/],
  [
    { case: "pyTorchSettings", value: { pythonScriptFilePath: "x", communicationBackend: "smoke" } },
    /communicationBackend/,
  ],
  [{ case: "pyTorchSettings", value: { pythonScriptFilePath: "x", commandLine: "y" } }, /both/],
  [{ case: "pyTorchSettings", value: { pythonScriptFilePath: "x", processCount: 1 } }, /without any/],
  [{ case: "horovodSettings", value: {} }, /horovodSettings.pythonScriptFilePath: is required/],
  [{ case: "cntkSettings", value: {} }, /cntkSettings.configFilePath: is required/],
  [{ case: "cntkSettings", value: { configFilePath: "c", pythonScriptFilePath: "p" } }, /cntkSettings: has both/],
  [{ case: "cntkSettings", value: { languageType: "Python", configFilePath: "c" } }, /languageType: is Python/],
  [{ case: "caffeSettings", value: { configFilePath: "c", pythonScriptFilePath: "p" } }, /caffeSettings: has both/],
  [
    { case: "tensorFlowSettings", value: { pythonScriptFilePath: "x", parameterServerCount: 3 } },
    /parameterServerCount/,
  ],
])("%j is refused", (toolkit, message) => {
  expect(() => admitToolkit(specOf(toolkit))).toThrow(message);
});

test("every toolkit has Batch AI's name for its type", () => {
  expect(Object.values(toolkits).map(({ toolType }) => toolType)).toEqual(
    expect.arrayContaining(["custom", "mpi", "pytorch", "cntk", "tensorflow", "caffe", "caffe2", "chainer", "horovod"]),
  );
});

test("the host file repeats a host for each slot", () => {
  expect(hostFile(["a", "b", "c"], spread(3, 2))).toBe("a slots=2 max-slots=2\nb slots=1 max-slots=1\n");
});

test("one TensorFlow worker alone is no cluster", () => {
  const node = { name: "a", host: "h", cpus: 1, gpuUuids: [] };
  const { ranks } = tensorFlow({ workerCount: 1, masterCommandLineArgs: "--master" }, { nodes: [node] });
  expect(ranks.map(({ commandLine }) => commandLine.split(" ").at(-1))).toEqual(["--master"]);
  expect(ranks[0]?.stdoutName).toBe("stdout-wk-0.txt");
  expect(variableIn(ranks[0]?.environment ?? [], "TF_CONFIG")).toBeUndefined();
});
