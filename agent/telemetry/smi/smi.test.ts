import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { busId } from "./bus-id.js";
import { devicesOf } from "./devices.js";
import { parseSmi, SmiFormatError } from "./document.js";
import { explainFailure, type SmiFailureKind } from "./failure.js";
import { parseList } from "./list.js";
import { bytesOf, numberOf, yesNo } from "./value.js";

const folder = join(import.meta.dirname, "../../../test/fixtures/nvidia-smi");
const recording = (name: string) => readFileSync(join(folder, name), "utf8");

/** Of a second, independent reader; null is no usable value. */
interface Expected {
  driver: string | null;
  attached: string | null;
  gpus: Array<{
    pciId: string;
    name: string;
    uuid: string | null;
    memTotalMiB: number | null;
    memUsedMiB: number | null;
    utilPct: number | null;
    tempC: number | null;
    powerDrawW: number | null;
    powerLimitW: number | null;
    pcieWidth: number | null;
    pcieWidthMax: number | null;
    migMode: string | null;
    migDevices: Array<{ gi: number; ci: number; memTotalMiB: number }>;
    computeProcs: Array<{ pid: number; type: string; memMiB: number | null }>;
    activeReasons: string[] | null;
    errorBodies: number;
  }>;
}

const expected = JSON.parse(recording("xml/expected.json")) as Record<string, Expected>;
const mebibytes = (bytes: number | undefined) => (bytes === undefined ? null : bytes / 1024 / 1024);

test.each(readdirSync(join(folder, "xml")).filter((name) => name.endsWith(".xml")))("%s", (name) => {
  const document = parseSmi(recording(`xml/${name}`));
  const wanted = expected[name];
  expect(document.driverVersion ?? null).toBe(wanted?.driver ?? null);
  expect(document.attachedGpus ?? null).toBe(wanted?.attached ? Number(wanted.attached) : null);
  const read = document.gpus.map((gpu) => ({
    pciId: gpu.busId,
    name: gpu.name,
    uuid: gpu.uuid ?? null,
    memTotalMiB: mebibytes(gpu.memory.totalBytes),
    memUsedMiB: mebibytes(gpu.memory.usedBytes),
    utilPct: gpu.utilizationPercent ?? null,
    tempC: gpu.temperature.celsius ?? null,
    powerDrawW: gpu.power.drawWatts ?? null,
    powerLimitW: gpu.power.limitWatts ?? null,
    pcieWidth: gpu.link.width ?? null,
    pcieWidthMax: gpu.link.widthMost ?? null,
    mig: gpu.mig.enabled ?? null,
    migDevices: gpu.mig.devices.map((device) => ({
      gi: device.gpuInstance,
      ci: device.computeInstance,
      memTotalMiB: mebibytes(device.memoryBytes),
    })),
    computeProcs: gpu.processes.map(({ pid, type, memoryBytes }) => ({ pid, type, memMiB: mebibytes(memoryBytes) })),
    activeReasons: [...gpu.eventReasons].sort(),
    errorBodies: gpu.errorBodies,
  }));
  expect(read).toEqual(
    wanted?.gpus.map((gpu) => ({
      pciId: busId(gpu.pciId),
      name: gpu.name,
      uuid: gpu.uuid,
      memTotalMiB: gpu.memTotalMiB,
      memUsedMiB: gpu.memUsedMiB,
      utilPct: gpu.utilPct,
      tempC: gpu.tempC,
      powerDrawW: gpu.powerDrawW,
      powerLimitW: gpu.powerLimitW,
      pcieWidth: gpu.pcieWidth,
      pcieWidthMax: gpu.pcieWidthMax,
      mig: yesNo(gpu.migMode ?? undefined) ?? null,
      migDevices: gpu.migDevices,
      computeProcs: gpu.computeProcs,
      activeReasons: [...(gpu.activeReasons ?? [])].sort(),
      errorBodies: gpu.errorBodies,
    })),
  );
});

test("a lost GPU is known by its error bodies, though it keeps old numbers, and is not offered", () => {
  const document = parseSmi(recording("xml/v13-580.65-gb200-one-lost.xml"));
  expect(document.gpus.map(({ lost, errorBodies }) => [lost, errorBodies])).toEqual([
    [false, 0],
    [true, 29],
  ]);
  expect(document.gpus[1]?.memory).toEqual({});
  expect(document.gpus[0]?.remappedRows.failure).toBe(true);
  expect(devicesOf(document, []).map(({ index }) => index)).toEqual([0]);
});

test("health values of a whole node", () => {
  const [gpu] = parseSmi(recording("xml/v13-580.105-8x-h100.xml")).gpus;
  expect(gpu?.ecc).toEqual({ enabled: true, uncorrected: 0, uncorrectedEver: 0, sramThresholdExceeded: false });
  expect(gpu?.remappedRows).toEqual({
    corrected: 0,
    uncorrected: 0,
    pending: false,
    failure: false,
    banksWithoutSpare: 0,
  });
  expect(gpu?.fabric).toEqual({ state: "Completed", status: "Success" });
  expect(gpu?.link).toEqual({ width: 16, widthMost: 16, generation: 5, generationMost: 5, replays: 150 });
  expect(gpu?.eventReasonUs.sw_power_cap).toBe(7_015_662_857);
  expect(gpu?.temperature).toEqual({ celsius: 29, memoryCelsius: 37, marginCelsius: 58 });
  expect(gpu?.recoveryAction).toBeUndefined();
});

test("text around the document does no harm; half a document is none", () => {
  const whole = recording("xml/v11-515.105-a10g.xml");
  expect(parseSmi(`warning: first\n${whole}\nWARNING: infoROM is corrupted at gpu 0000:00:1E.0\n`).gpus).toHaveLength(
    1,
  );
  expect(() => parseSmi(whole.slice(0, 9000))).toThrow(SmiFormatError);
  expect(() => parseSmi("No devices were found\n")).toThrow(SmiFormatError);
});

test.each<[string | undefined, number | undefined]>([
  ["30 C", 30],
  ["-8 C", -8],
  ["04", 4],
  ["68.92 W", undefined],
  ["N/A", undefined],
  ["[Not Supported]", undefined],
  ["Requested functionality has been deprecated", undefined],
  ["ERR!", undefined],
  ["GPU is lost", undefined],
  ["", undefined],
  [undefined, undefined],
])("%j as degrees is %j", (text, value) => {
  expect(numberOf(text, "C")).toBe(value);
});

test("memory is within what a card can have", () => {
  expect(bytesOf("512 MiB")).toBe(512 * 1024 * 1024);
  expect(bytesOf("512 MB")).toBe(512 * 1024 * 1024);
  expect(bytesOf("-1635107216 MiB")).toBeUndefined();
  expect(bytesOf("99999999 MiB")).toBeUndefined();
});

test.each([
  ["00000000:53:00.0", "0000:53:00"],
  ["0000:0A:00.0", "0000:0a:00"],
  ["00001580:00:00.0", "1580:00:00"],
  ["00012DF7:00:00.0", "00012df7:00:00"],
  ["000d:00:00", "000d:00:00"],
  ["3b:00", "0000:3b:00"],
])("bus id %s is %s", (text, id) => {
  expect(busId(text)).toBe(id);
});

test("the list has MIG devices under their GPU", () => {
  const [gpu] = parseList(recording("h200-mig-L.txt"));
  expect(gpu).toMatchObject({ index: 0, name: "NVIDIA H200", uuid: "GPU-00000000-0000-0000-0000-000000000000" });
  expect(gpu?.migDevices.map(({ profile }) => profile)).toEqual([
    "1c.3g.71gb",
    "2c.3g.71gb",
    "2g.35gb",
    "1g.18gb",
    "1g.18gb",
  ]);
  const gap = [
    "GPU 0: NVIDIA H100 (UUID: GPU-0)",
    "Unable to determine the device handle for gpu 0000:3B:00.0: Unknown Error",
    "GPU 2: NVIDIA H100 (UUID: GPU-2)",
  ];
  expect(parseList(gap.join("\n")).map(({ index }) => index)).toEqual([0, 2]);
});

test.each<[number | undefined, string, SmiFailureKind]>([
  [9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure", "driver-not-loaded"],
  [
    18,
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.161\n",
    "version-mismatch",
  ],
  [255, "Failed to initialize NVML: Unknown Error\n", "unknown-error"],
  [4, "Failed to initialize NVML: Insufficient Permissions\n", "no-permission"],
  [17, "Failed to initialize NVML: GPU access blocked by the operating system\n", "blocked"],
  [6, "No devices were found\n", "no-devices"],
  [12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please", "library-missing"],
  [13, "Mismatch in versions between nvidia-smi and NVML.\n", "library-missing"],
  [15, "Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system", "gpu-lost"],
  [255, "Unable to determine the device handle for GPU0000:91:00.0: Unknown Error\n", "gpu-lost"],
  [14, "| table |\nWARNING: infoROM is corrupted at gpu 0000:00:1E.0\n", "inforom"],
  [10, "", "interrupts"],
  [16, "", "reset-required"],
  [8, "", "power-cable"],
  [2, 'Field "nonexistent" is not a valid field to query.\n', "bad-arguments"],
  [1, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n", "bad-arguments"],
  [77, "something new", "failed"],
  [undefined, "", "failed"],
])("exit code %j with %j is %s", (exitCode, output, kind) => {
  const failure = explainFailure({ exitCode, output, timedOut: false, missing: false });
  expect(failure.kind).toBe(kind);
  expect(failure.sentence).not.toBe("");
});

test.each([
  ["Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system", "0000:3b:00"],
  ["Unable to determine the device handle for GPU0000:91:00.0: Unknown Error\n", "0000:91:00"],
  ["Unable to determine the device handle for GPU 000:BA:80.0: Unknown Error\n", undefined],
])("which GPU is lost, as far as %j says", (output, bus) => {
  expect(explainFailure({ exitCode: 255, output, timedOut: false, missing: false }).busId).toBe(bus);
});

test("a hang and a missing program are failures of their own", () => {
  const run = { exitCode: undefined, output: "" };
  expect(explainFailure({ ...run, timedOut: true, missing: false }).kind).toBe("hangs");
  expect(explainFailure({ ...run, timedOut: false, missing: true }).kind).toBe("not-installed");
});
