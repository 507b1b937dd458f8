import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../test/fakes/until.js";
import { defaultThresholds } from "../core/health/health.js";
import { readMessage } from "../core/kernel/message.js";
import { GpuWatch } from "./gpu-watch.js";
import { MachineWatch } from "./machine-watch.js";
import { explainFailure } from "./smi/failure.js";

const log = pino({ level: "silent" });
const xml = resolve(import.meta.dirname, "../../test/fixtures/nvidia-smi/xml");
let dir: string;
let watch: GpuWatch | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-gpu-watch-"));
});

afterEach(() => {
  watch?.close();
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** A stand-in for nvidia-smi that does what `script` says. */
function program(script: string): string {
  const path = join(dir, "nvidia-smi");
  writeFileSync(path, `#!/bin/sh\necho asked >> ${dir}/asked\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const lost = "GPU-b200b200-0000-0000-0000-000000000001";
const gpus = [
  { uuid: "GPU-b200b200-0000-0000-0000-000000000000", index: 0, busId: "0000:0a:00" },
  { uuid: lost, index: 1, busId: "0000:0b:00" },
];

function watching(script: string, limitMs = 5_000): GpuWatch {
  watch = new GpuWatch(gpus, { program: program(script), everyMs: 20, limitMs }, log);
  watch.start(() => new Set());
  return watch;
}

it("tells which GPUs are less than healthy, by the gravest that was found", async () => {
  const seen = watching(`cat ${xml}/v13-580.65-gb200-one-lost.xml; exit 15`);
  const faults = await until("faults", () => (seen.faults().length > 0 ? seen.faults() : undefined));
  expect(faults).toMatchObject([
    { uuid: gpus[0]?.uuid, state: "failed", rule: "remap-failed" },
    { uuid: lost, state: "failed", rule: "lost", message: expect.stringMatching(/^GPU 1 \(GPU-b200.*is lost/) },
  ]);
  expect(seen.problem()).toBe("");
});

it("hears the kernel before nvidia-smi has said anything", () => {
  const seen = watching("sleep 60", 60_000);
  const message = readMessage("NVRM: Xid (PCI:0000:0b:00): 79, GPU has fallen off the bus.");
  if (message) seen.kernelSaid(message);
  expect(seen.faults()).toMatchObject([{ uuid: lost, state: "failed", rule: "xid-79" }]);
});

it("that can't be asked again and again are told of, until they answer", async () => {
  const seen = watching(`[ -e ${dir}/well ] && cat ${xml}/v13-580.173-4x-gb200.xml && exit 0; sleep 60`, 50);
  const problem = await until("a problem", () => seen.problem() || undefined);
  expect(problem).toMatch(/^its GPUs can't be asked how they are: /);
  writeFileSync(join(dir, "well"), "");
  await until("no problem", () => seen.problem() === "");
});

it("an old driver that says nothing of any GPU because one is lost is asked for each of the others", async () => {
  const words = "Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system";
  const one = `[ "$3 $4" = "-i ${gpus[0]?.uuid}" ] && cat ${xml}/v13-580.65-gb200-one-lost.xml && exit 0`;
  const seen = watching(`${one}; echo '${words}'; exit 15`);
  const faults = await until("both", () => (seen.faults().length === 2 ? seen.faults() : undefined));
  expect(faults).toMatchObject([{ rule: "remap-failed" }, { uuid: lost, state: "failed", rule: "lost" }]);
  expect(seen.problem()).toBe("");
});

it("says at once what samples and a whole reading fail with alike, and takes it back", async () => {
  const words = "Failed to initialize NVML: Unknown Error";
  const seen = watching(
    `[ -e ${dir}/well ] && cat ${xml}/v13-580.173-4x-gb200.xml && exit 0; echo '${words}'; exit 255`,
  );
  const failure = explainFailure({ exitCode: 255, output: words, timedOut: false, missing: false });
  seen.sampled(undefined, failure);
  const problem = await until("a problem", () => seen.problem() || undefined);
  expect(problem).toContain(failure.sentence);
  const asked = readFileSync(join(dir, "asked"), "utf8").split("\n").filter(Boolean).length;
  expect(asked).toBeLessThanOrEqual(2);
  writeFileSync(join(dir, "well"), "");
  await until("no problem", () => seen.problem() === "");
});

it("all GPUs of a machine are gone: each is lost, and so is the machine", async () => {
  const machine = new MachineWatch({ vitalDevices: new Set(), thresholds: defaultThresholds }, log);
  const words = "Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system";
  watch = new GpuWatch(gpus, { program: program(`echo '${words}'; exit 15`), everyMs: 20, machine }, log);
  watch.start(() => new Set());
  const seen = watch;
  await until("it is said", () => seen.nodeFaults().length > 0);
  expect(seen.nodeFaults()).toMatchObject([{ rule: "all-gpus-gone", message: /all of its 2 GPUs are gone/ }]);
  expect(seen.faults().map(({ rule }) => rule)).toEqual(["lost", "lost"]);
});

it("while each GPU is asked for by itself, nothing new begins on any", async () => {
  const words = "Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system";
  const one = `[ "$3" = -i ] && while [ ! -e ${dir}/well ]; do sleep 0.1; done`;
  const whole = `[ "$4" = "${gpus[0]?.uuid}" ] && cat ${xml}/v13-580.65-gb200-one-lost.xml && exit 0`;
  const seen = watching(`${one}; ${whole}; echo '${words}'; exit 15`, 60_000);
  const problem = await until("a problem", () => seen.problem() || undefined);
  expect(problem).toMatch(/can't be asked how they are: a GPU has fallen off the bus/);
  expect(seen.faults()).toMatchObject([{ uuid: lost, rule: "lost" }]);
  writeFileSync(join(dir, "well"), "");
  await until("the other is known to be there", () => seen.problem() === "" && seen.faults().length === 2);
});

it("a sample that does not come is looked into at once, and not when a whole reading is due", async () => {
  watch = new GpuWatch(gpus, { program: program(`cat ${xml}/v13-580.173-4x-gb200.xml`), everyMs: 600_000 }, log);
  watch.start(() => new Set());
  const seen = watch;
  const asked = () => readFileSync(join(dir, "asked"), "utf8").split("\n").filter(Boolean).length;
  await until("the first reading", () => !seen.unread());
  const before = asked();
  await until("it is looked into", () => {
    seen.late();
    return asked() > before;
  });
});
