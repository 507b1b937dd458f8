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
    { name: "a", host: "10.0.0.4", cpus: 4 },
    { name: "b", host: "10.0.0.5", cpus: 4 },
  ],
  attempt: 3,
  oneMachine: false,
  hasSharedPrefix: true,
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
  const { environment } = expanded({ case: "pyTorchSettings", value: settings }, { hasSharedPrefix: false });
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_INIT_METHOD")).toBe("tcp://10.0.0.4:23456");
});

test("PyTorch over MPI goes by the launcher", () => {
  const settings = { pythonScriptFilePath: "t.py", communicationBackend: "mpi" };
  const { ranks, environment } = expanded({ case: "pyTorchSettings", value: settings });
  expect(ranks).toHaveLength(1);
  expect(ranks[0]?.commandLine).toMatch(/STOKER_RSH/);
  expect(variableIn(environment, "AZ_BATCHAI_PYTORCH_BACKEND")).toBe("mpi");
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
  [{ case: "horovodSettings", value: { pythonScriptFilePath: "x" } }, /does not run horovod jobs; it runs .*pyTorch/],
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
