import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseSmi } from "../agent/telemetry/smi/document.js";
import { RecordedSmi } from "../test/fakes/recorded-smi/scene.js";
import { comparedFields, difference } from "./check-gpu/fields.js";

const program = resolve(import.meta.dirname, "../dist/check-gpu.js");
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-check-gpu-test-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function check(...words: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, "--out", join(dir, "out"), ...words], { cwd: dir });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("close", (code) => resolve({ code, output }));
  });
}

it("a machine without a GPU is told apart from one whose GPU is not as it should be", async () => {
  const { code, output } = await check("--nvidia-smi", join(dir, "nvidia-smi"));
  expect(output).toBe("There is no GPU to be checked: there is no nvidia-smi on this machine.\n");
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

it("reads, compares, samples, runs a job through a coordinator and an agent, and keeps what it saw", async () => {
  const smi = new RecordedSmi(dir, "v13-590.44-2x-rtx-a5000.xml");
  smi.change({ unknownFields: ["temperature.memory"] });
  writeFileSync(join(dir, "busy.mjs"), busy(join(dir, "scene.json")));
  const command = `${process.execPath} ${join(dir, "busy.mjs")}`;
  const words = ["--nvidia-smi", smi.program, "--seconds", "4", "--job-seconds", "30", "--command", command];
  const { code, output } = await check(...words);
  expect(output).toContain("All is well.");
  expect(code).toBe(0);
  expect(output).toMatch(/GPU 1, NVIDIA RTX A5000: 22 fields are the same/);
  expect(output).toMatch(/ok +the coordinator was told of 95 %/);
  expect(output).toMatch(/ok +it has CUDA_VISIBLE_DEVICES=(GPU-\S+), and is on \1\n/);
  expect(readdirSync(join(dir, "out"))).toEqual(
    expect.arrayContaining(["L.txt", "q-x-busy.xml", "q-x.xml", "query-gpu.csv", "report.txt", "topo-m.txt"]),
  );
  const kept = readFileSync(join(dir, "out", "q-x-busy.xml"), "utf8");
  expect(parseSmi(kept).gpus[0]).toMatchObject({ utilizationPercent: 95 });
  expect(kept).toMatch(/<serial>0<\/serial>/);
}, 120_000);

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
