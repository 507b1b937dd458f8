import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseSmi } from "../agent/telemetry/smi/document.js";
import { RecordedSmi } from "../test/fakes/recorded-smi/scene.js";
import { comparedFields, difference } from "./check-gpu/fields.js";
import { Report } from "./check-gpu/report.js";
import { type Seen, tell } from "./check-gpu/seen.js";

const program = resolve(import.meta.dirname, "../dist/check-gpu.js");
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-check-gpu-test-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const check = (...words: string[]) => run([process.execPath, program, "--out", join(dir, "out"), ...words]);

/** Without a single variable, as in some containers. */
function run([first = "", ...words]: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(first, words, { cwd: dir, env: {} });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("close", (code) => resolve({ code, output }));
  });
}

it("a machine without a GPU is told apart from one whose GPU is not as it should be", async () => {
  const { code, output } = await check("--nvidia-smi", join(dir, "nvidia-smi"));
  expect(output).toContain("There is no GPU to be checked: there is no nvidia-smi on this machine.\n");
  expect(code).toBe(2);
});

/** What a job on a GPU looks like from outside. */
const busy = (scene: string) => `
import { readFileSync, renameSync, writeFileSync } from "node:fs";
const scene = JSON.parse(readFileSync("${scene}", "utf8"));
scene.gpus = { 0: { processes: [{ pid: process.pid }], values: { "utilization.gpu": "95", "memory.used": "2048" } } };
writeFileSync("${scene}.new", JSON.stringify(scene));
renameSync("${scene}.new", "${scene}");
setTimeout(() => {}, 4_000);
`;

it("on a machine that has nothing but what was packed: reads, compares, samples, tests, runs a job, and keeps what it saw", async () => {
  const smi = new RecordedSmi(dir, "v13-590.44-2x-rtx-a5000.xml");
  smi.change({ unknownFields: ["temperature.memory"] });
  writeFileSync(join(dir, "busy.mjs"), busy(join(dir, "scene.json")));
  const command = `${process.execPath} ${join(dir, "busy.mjs")}`;
  const words = ["--nvidia-smi", smi.program, "--seconds", "4", "--job-seconds", "30", "--command", command];
  expect(await run([process.execPath, program, "--pack", join(dir, "pack")])).toMatchObject({ code: 0 });
  const { code, output } = await run([join(dir, "pack", "check-gpu"), "--out", join(dir, "out"), ...words]);
  expect(output).toMatch(/^ok +A job on one GPU\nAll is well, but for \d things that had to be skipped\.$/m);
  expect(output).toMatch(/skip +temperature.memory: skipped, because this driver does not know the field/);
  expect(code).toBe(0);
  expect(output).toMatch(/GPU 1, NVIDIA RTX A5000: 22 fields are the same/);
  expect(output).toMatch(/ok +the coordinator was told of 95 %/);
  expect(output).toMatch(/ok +it has CUDA_VISIBLE_DEVICES=(GPU-\S+), which is on GPU \1\n/);
  expect(readdirSync(join(dir, "out"))).toEqual(
    expect.arrayContaining(["L.txt", "q-x-busy.xml", "q-x.xml", "query-gpu.csv", "report.txt", "topo-m.txt"]),
  );
  const kept = readFileSync(join(dir, "out", "q-x-busy.xml"), "utf8");
  expect(parseSmi(kept).gpus[0]).toMatchObject({ utilizationPercent: 95 });
  expect(kept).toMatch(/<serial>0<\/serial>/);
}, 120_000);

it("ends in time whatever hangs, names what differs with both values, and keeps what it has", async () => {
  const smi = new RecordedSmi(dir, "v13-580.105-8x-h100.xml");
  const other = join(dir, "other-smi");
  writeFileSync(
    other,
    `#!/bin/sh\ncase "$1" in\n  --query-gpu=*) ${smi.program} "$@" | sed s/81559/81560/ ;;\n  *) exec ${smi.program} "$@" ;;\nesac\n`,
  );
  chmodSync(other, 0o755);
  const { code, output } = await check("--nvidia-smi", other, "--limit", "12");
  expect(code).toBe(1);
  expect(output).toMatch(/FAIL +GPU 7, memory.total: "81560" in --query-gpu is 85521858560, and 85520809984 in -q -x/);
  expect(output).toMatch(/FAIL +it was not over after 12 s/);
  expect(output).toMatch(/^FAIL +Each field against --query-gpu$/m);
  expect(readdirSync(join(dir, "out"))).toEqual(expect.arrayContaining(["q-x.xml", "query-gpu.csv", "report.txt"]));
}, 120_000);

describe("what was seen of the job", () => {
  const gib = 2 ** 30;
  const process = { pid: 7, type: "C", name: "python3", memoryBytes: gib };
  const gpuOf = (more: object) => ({
    ...{ processes: [process], own: [process], utilizationPercent: 90, memoryUsedBytes: 2 * gib },
    ...more,
  });
  const toldOf = (uuid: string, more: object = {}, elsewhere: object = { own: [], processes: [] }) => {
    const report = new Report(() => undefined);
    const gpus = new Map([
      ["GPU-1", gpuOf(more)],
      ["GPU-2", gpuOf(elsewhere)],
    ]);
    const told = new Map([["GPU-1", { utilizationPercent: 80, memoryUsedBytes: gib }]]);
    const mig = new Map(uuid.startsWith("MIG-") ? [[uuid, "GPU-1"]] : []);
    report.step("the job");
    tell({ text: "", visible: uuid, pids: new Set([7]), gpus, mig, told } as unknown as Seen, [], report);
    return report;
  };

  it("is well when all agree", () => {
    expect(toldOf("GPU-1").failed).toBe(0);
    expect(toldOf("GPU-1").text).toContain("the coordinator was told of 80 %");
  });

  it("fails by name where it is on another GPU, on none, or on one that is not there", () => {
    expect(toldOf("GPU-1", { own: [] }, {}).text).toContain("lists its process on GPU-2, and it was given GPU-1");
    expect(toldOf("GPU-1", { own: [], memoryUsedBytes: 0 }).text).toMatch(/FAIL +nvidia-smi lists none of the job's/);
    expect(toldOf("GPU-9").text).toContain("CUDA_VISIBLE_DEVICES=GPU-9, and nvidia-smi knows GPU-1, GPU-2");
  });

  it("skips what can't be seen: other process numbers in a container, and the use of a part of a GPU", () => {
    const inside = toldOf("GPU-1", { own: [], processes: [{ ...process, pid: 90_001 }] });
    expect(inside.failed).toBe(0);
    expect(inside.text).toContain("the job's are 7, and it lists 90001");
    const part = toldOf("MIG-1", { utilizationPercent: undefined });
    expect(part.failed).toBe(0);
    expect(part.text).toContain("a GPU that is divided (MIG) tells no utilization");
  });
});

it("finds what is not the same in both forms, and takes no missing value for zero", () => {
  const [gpu] = parseSmi(
    readFileSync(resolve(import.meta.dirname, "../test/fixtures/nvidia-smi/xml/v13-580.105-8x-h100.xml"), "utf8"),
  ).gpus;
  const of = (name: string, cell: string) => {
    const field = comparedFields.find((each) => each.name === name);
    return field && gpu ? difference(field, cell, gpu) : "nothing to compare";
  };
  expect(of("memory.total", "81559")).toBeUndefined();
  expect(of("memory.total", "81560")).toMatch(/"81560" in --query-gpu is/);
  expect(of("temperature.gpu", "31")).toBeUndefined();
  expect(of("temperature.gpu", "[N/A]")).toMatch(/is undefined, and \d+ in -q -x/);
  expect(of("pci.bus_id", "00000000:53:00.0")).toBeUndefined();
  expect(existsSync(program)).toBe(true);
});
