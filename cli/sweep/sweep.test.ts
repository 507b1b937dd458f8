import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseAxis } from "./axis.js";
import { drawn, grid } from "./combinations.js";
import { retryName } from "./jobs.js";
import { listed } from "./listed.js";
import { Metric } from "./metric.js";
import { planJobs } from "./plan.js";
import { substituted } from "./substitute.js";

const axes = (...texts: string[]) => texts.map(parseAxis);

test("a grid is every combination, in a fixed order", () => {
  expect(grid(axes("lr=0.1,0.01", "bs=32,64"))).toEqual([
    { lr: "0.1", bs: "32" },
    { lr: "0.1", bs: "64" },
    { lr: "0.01", bs: "32" },
    { lr: "0.01", bs: "64" },
  ]);
});

test("a draw is the same for the same seed, different for another, and repeats nothing", () => {
  const from = axes("lr=log:1e-5..1e-1", "layers=int:2..8", "opt=sgd,adam", "p=0..0.5");
  const first = drawn(from, 50, 7);
  expect(drawn(from, 50, 7)).toEqual(first);
  expect(drawn(from, 50, 8)).not.toEqual(first);
  expect(new Set(first.map((one) => JSON.stringify(one))).size).toBe(50);
  for (const { lr, layers, opt, p } of first) {
    expect(Number(lr)).toBeGreaterThanOrEqual(1e-5);
    expect(Number(lr)).toBeLessThanOrEqual(1e-1);
    expect(layers).toMatch(/^[2-8]$/);
    expect(["sgd", "adam"]).toContain(opt);
    expect(Number(p)).toBeLessThanOrEqual(0.5);
  }
  // Half of the decades of a logarithmic range lie below its geometric mean.
  const below = drawn(axes("lr=log:1e-5..1e-1"), 400, 1).filter(({ lr }) => Number(lr) < 1e-3).length;
  expect(below).toBeGreaterThan(120);
  expect(below).toBeLessThan(280);
});

test.each([
  ["lr", /expected NAME=VALUE/],
  ["1x=2", /expected NAME=VALUE/],
  ["lr=1,,2", /a value is empty/],
  ["lr=1,1", /given twice/],
  ["lr=2..1", /to a larger one/],
  ["lr=log:0..1", /begins above 0/],
])("--grid %s is refused", (text, message) => {
  expect(() => parseAxis(text)).toThrow(message);
});

test("what can't be made is refused", () => {
  expect(() => grid(axes("lr=0..1"))).toThrow(/draw from it with --random/);
  expect(() => drawn(axes("a=1,2", "b=1,2"), 5, 1)).toThrow(/only 4 different/);
  expect(() => grid(axes(...Array.from({ length: 6 }, (_, at) => `p${at}=1,2,3,4,5`)))).toThrow(/more than 10000/);
});

test("parameters stand in any text, and unknown ones are refused", () => {
  const body = { commandLine: "train --lr {{lr}} --lr2={{ lr }}", list: ["{{bs}}", 3, null], deep: { a: "$X {y}" } };
  expect(substituted(body, { lr: "0.1", bs: "32" })).toEqual({
    commandLine: "train --lr 0.1 --lr2=0.1",
    list: ["32", 3, null],
    deep: { a: "$X {y}" },
  });
  expect(() => substituted("{{no}}", { lr: "1" })).toThrow(/has no such parameter; it has lr/);
  expect(() => substituted("{{toString}}", { lr: "1" })).toThrow(/no such parameter/);
});

test("lines and files are parameters: one a line, or several from a table or objects", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stoker-listed-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const made = async (lines?: string, files?: string) => grid(await listed(lines, files));
  expect(await made(put("words.txt", "a b\n\nc\n"))).toEqual([{ line: "a b" }, { line: "c" }]);
  expect(await made(put("rows.csv", "lr, bs\n0.1,32\n0.01,64\n"))).toEqual([
    { lr: "0.1", bs: "32" },
    { lr: "0.01", bs: "64" },
  ]);
  expect(await made(put("rows.jsonl", '{"lr":0.1,"opt":"sgd"}\n{"lr":0.2,"opt":"adam"}'))).toEqual([
    { lr: "0.1", opt: "sgd" },
    { lr: "0.2", opt: "adam" },
  ]);
  expect(await made(undefined, join(folder, "*.csv"))).toEqual([{ file: join(folder, "rows.csv") }]);
  expect(await made(undefined, folder)).toHaveLength(3);
  const rows = [...(await listed(join(folder, "rows.csv"), undefined)), ...axes("seed=1,2")];
  expect(grid(rows)).toContainEqual({ lr: "0.01", bs: "64", seed: "2" });
  expect(drawn(rows, 4, 3)).toHaveLength(4);
  await expect(made(put("bad.csv", "lr,bs\n0.1\n"))).rejects.toThrow(/bad.csv:2: 1 values for 2 names/);
  await expect(made(put("bad.jsonl", '{"lr":[1]}'))).rejects.toThrow(/bad.jsonl:1: lr is neither/);
  await expect(made(undefined, join(folder, "*.png"))).rejects.toThrow(/holds no files \*.png/);
});

test("each job has its name, its parameters as variables, and its place in the sweep", () => {
  const body = {
    nodeCount: "{{nodes}}",
    stdOutErrPathPrefix: "$X/{{nodes}}",
    customToolkitSettings: { commandLine: "run {{lr}}" },
  };
  const combinations = grid(axes("lr=0.1,0.01", "nodes=1,2,3,4,5"));
  const { jobs } = planJobs(body, { workspace: "workspaces/w" }, { name: "s", combinations, maxRunning: 3 });
  expect(jobs.map(({ name }) => name)).toEqual(
    Array.from({ length: 10 }, (_, at) => `s-${`${at + 1}`.padStart(2, "0")}`),
  );
  const { spec } = jobs[6] ?? {};
  expect(spec).toMatchObject({
    nodeCount: 2,
    stdOutErrPathPrefix: "$X/2",
    toolkit: { value: { commandLine: "run 0.01" } },
    sweep: { name: "s", index: 7, maxRunning: 3, parameters: { lr: "0.01", nodes: "2" } },
  });
  expect(spec?.environmentVariables.map(({ name, value }) => `${name}=${value}`)).toEqual([
    "PARAM_LR=0.01",
    "PARAM_NODES=2",
  ]);
});

test("a metric is the last number that its pattern finds", () => {
  const metric = new Metric("accuracy=([0-9.]+)");
  expect(metric.name).toBe("accuracy");
  expect(metric.in("epoch 1 accuracy=0.5 accuracy=0.75")).toBe(0.75);
  expect(metric.in("accuracy=.")).toBeUndefined();
  expect(metric.in("nothing")).toBeUndefined();
  expect(() => new Metric("accuracy=[0-9.]+")).toThrow(/in brackets/);
  expect(() => new Metric("a(")).toThrow(/--metric/);
});

test("tries are counted in the name", () => {
  expect(retryName("s-07")).toBe("s-07-r1");
  expect(retryName("s-07-r1")).toBe("s-07-r2");
});
