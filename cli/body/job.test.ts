import { expect, test } from "vitest";
import { Failure } from "../failure.js";
import { loadJob } from "./job.js";

const flags = { workspace: "workspaces/lab" };
const custom = { nodeCount: 1, customToolkitSettings: { commandLine: "true" } };
const load = (properties: object) => loadJob({ properties: { ...custom, ...properties } }, flags);

test("a body is read with and without properties", () => {
  expect(loadJob(custom, flags).spec).toEqual(loadJob({ properties: custom }, flags).spec);
});

test("unknown keys are ignored and listed by path, misplaced ones too", () => {
  const body = {
    properties: {
      ...custom,
      foo: 1,
      jobPreparation: { commandLine: "x", shell: "zsh" },
      secrets: [{ name: "a", valu: "b" }],
    },
    nodeCount: 3,
  };
  expect(loadJob(body, flags).warnings).toEqual([
    "ignored unknown keys: nodeCount, properties.foo, properties.jobPreparation.shell, properties.secrets[0].valu",
  ]);
});

test("keys of older versions and of other tools are ignored without a word", () => {
  const body = {
    $schema: "s",
    location: "eastus",
    tags: {},
    properties: {
      ...custom,
      $comment: "c",
      comment: "c",
      toolType: "custom",
      experimentName: "e",
      customToolkitSettings: { commandLine: "true", processCount: 2 },
      outputDirectories: [{ id: "A", pathPrefix: "/x", type: "custom", createNew: true }],
      mountVolumes: { azureBlobFileSystems: [{ credentialsInfo: {}, mountOptions: "" }] },
    },
  };
  const { spec, warnings } = loadJob(body, flags);
  expect(warnings).toEqual([]);
  expect(spec.mountVolumes?.azureBlobFileSystems[0]?.mountOptions).toBe("");
});

test("counts may be written as text", () => {
  expect(load({ nodeCount: "2" }).spec.nodeCount).toBe(2);
});

test("null is as good as absent", () => {
  expect(load({ nodeCount: null, cntkSettings: null, mountVolumes: null }).spec.nodeCount).toBe(0);
});

test.each([
  [-1, "low"],
  [0, "normal"],
  ["7", "high"],
])("the old priority %j is %s", (priority, word) => {
  expect(load({ priority }).spec.schedulingPriority).toBe(word);
});

test("the new priority wins over the old one", () => {
  expect(load({ priority: 5, schedulingPriority: "low" }).spec.schedulingPriority).toBe("low");
});

test.each([
  [{ nodeCount: "two" }, 'properties.nodeCount: expected a whole number, found "two"'],
  [{ nodeCount: 1.5 }, "properties.nodeCount: expected a whole number, found 1.5"],
  [{ nodeCount: 3e9 }, "properties.nodeCount: expected a number up to 2147483647, found 3000000000"],
  [{ nodeCount: true }, "properties.nodeCount: expected a whole number, found true"],
  [{ stdOutErrPathPrefix: 5 }, "properties.stdOutErrPathPrefix: expected text, found 5"],
  [{ inputDirectories: {} }, "properties.inputDirectories: expected a list, found an object"],
  [{ inputDirectories: [null] }, "properties.inputDirectories[0]: expected an object, found nothing"],
  [
    { mountVolumes: { fileServers: [{ fileServer: "filer" }] } },
    'properties.mountVolumes.fileServers[0].fileServer: expected an object, found "filer"',
  ],
  [{ priority: "urgent" }, 'properties.priority: expected a whole number, found "urgent"'],
  [
    { constraints: { maxWallClockTime: "soon" } },
    'properties.constraints.maxWallClockTime: expected a duration such as PT1H30M or 7.00:00:00, found "soon"',
  ],
  [{ customToolkitSettings: "true" }, 'properties.customToolkitSettings: expected an object, found "true"'],
  [{ jobPreparation: { commandLine: "\ud800" } }, /commandLine: expected text that is Unicode/],
])("%j is refused by its path", (properties, message) => {
  expect(() => load(properties)).toThrow(message);
  expect(() => load(properties)).toThrow(Failure);
});

test("paths of a body without properties begin at its own keys", () => {
  expect(() => loadJob({ ...custom, nodeCount: "two" }, flags)).toThrow(/^nodeCount: expected/);
});

test("no toolkit block is refused, and two are, by their names", () => {
  expect(() => loadJob({ properties: { nodeCount: 1 } }, flags)).toThrow(
    /^properties: found no toolkit block; .*pyTorchSettings/,
  );
  expect(() => load({ cntkSettings: {} })).toThrow(
    "properties: found 2 toolkit blocks, cntkSettings and customToolkitSettings; a job has exactly one",
  );
});

test("the cluster of the flag wins, and an id of another workspace passes", () => {
  const body = { ...custom, cluster: { id: "old" } };
  expect(loadJob(body, flags).spec.cluster?.id).toBe("old");
  expect(loadJob(body, { ...flags, cluster: "new" }).spec.cluster?.id).toBe("workspaces/lab/clusters/new");
  const arm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w/clusters/c";
  expect(loadJob(body, { ...flags, cluster: arm }).spec.cluster?.id).toBe(arm);
});

test("on-prem additions are fields of their own", () => {
  const { spec, warnings } = load({
    resources: { gpus: 1, cpus: "4", memory: 16 },
    retry: { maxCount: 2 },
    checkpoint: { path: "$X" },
  });
  expect(warnings).toEqual([]);
  expect(spec.resources).toMatchObject({ gpus: 1, cpus: 4, memory: "16" });
  expect(spec.retry?.maxCount).toBe(2);
  expect(spec.checkpoint?.path).toBe("$X");
});

test("what job show prints can be submitted again", () => {
  const shown = { id: "i", name: "n", type: "t", uuid: "u", executionState: "succeeded", attempts: [], ...custom };
  expect(loadJob(shown, flags).warnings).toEqual([]);
});
