import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RecordedSmi } from "../../test/fakes/recorded-smi/scene.js";
import { until } from "../../test/fakes/until.js";
import { GpuSampler } from "./gpu-sampler.js";
import type { SmiFailure } from "./smi/failure.js";
import type { SmiRow } from "./smi/rows.js";
import { SmiRuns } from "./smi-runs.js";

let dir: string;
let smi: RecordedSmi;
let sampler: GpuSampler | undefined;
let runs: SmiRuns;
let latest: { rows: readonly SmiRow[] | undefined; failure?: SmiFailure } | undefined;
let count = 0;
let lateCount = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-sampler-"));
  smi = new RecordedSmi(dir, "v13-580.105-8x-h100.xml");
  runs = new SmiRuns();
  latest = undefined;
  count = 0;
  lateCount = 0;
});

afterEach(() => {
  sampler?.close();
  rmSync(dir, { recursive: true, force: true });
});

function sampling(limits: { silentMs?: number; firstMs?: number } = {}): GpuSampler {
  sampler = new GpuSampler(
    {
      ...{
        program: smi.program,
        everyMs: 50,
        smiRuns: runs,
        expected: () => 8,
        limits: { waitMostMs: 200, ...limits },
      },
      sampled: (rows, failure) => {
        latest = { rows, ...(failure ? { failure } : {}) };
        count += 1;
      },
      late: () => {
        lateCount += 1;
      },
    },
    pino({ level: "silent" }),
  );
  sampler.start();
  return sampler;
}

const children = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(join(dir, "scene.json"));
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });

it("one program tells all GPUs again and again, as they change", async () => {
  sampling();
  await until("three samples", () => count >= 3);
  expect(latest?.rows).toHaveLength(8);
  expect(children()).toHaveLength(1);
  smi.gpu(3, { says: "GPU is lost" });
  await until("the lost one", () => latest?.rows?.[3]?.trouble === "lost");
  smi.gpu(3, { gone: true });
  await until("seven", () => latest?.rows?.length === 7);
  expect(runs.of.sample.count).toBeGreaterThanOrEqual(3);
});

it("a field that its driver does not know is left out", async () => {
  smi.change({ unknownFields: ["clocks.sm", "power.draw"] });
  sampling();
  const rows = await until("a sample", () => latest?.rows);
  expect(rows[0]).toMatchObject({ index: 0, temperatureCelsius: 29 });
  expect(rows[0]).not.toHaveProperty("powerWatts");
});

it("one that falls silent is killed, counted, and asked anew until it answers", async () => {
  sampling({ silentMs: 300, firstMs: 5_000 });
  await until("a sample", () => latest?.rows);
  const before = children();
  smi.change({ on: { sample: { hangs: true } } });
  const failure = await until("a failure", () => latest?.failure);
  expect(failure.kind).toBe("hangs");
  expect(runs.of.sample.failures.get("hangs")).toBeGreaterThanOrEqual(1);
  await until("the end of the one that hung", () => !children().some((pid) => before.includes(pid)));
  smi.change({ on: {} });
  await until("samples again", () => latest?.rows?.length === 8);
});

it("a sample that is late is told of once, long before it counts as a hang", async () => {
  sampling();
  await until("samples", () => count >= 3);
  expect(lateCount).toBe(0);
  smi.change({ gpus: Object.fromEntries(Array.from({ length: 8 }, (_, at) => [at, { gone: true }])) });
  await until("it is late", () => lateCount > 0);
  expect(latest?.failure).toBeUndefined();
  expect(lateCount).toBe(1);
});

it("a failure is told in words, and passes", async () => {
  smi.change({ on: { sample: { exitCode: 9, stdout: "NVIDIA-SMI has failed because it couldn't communicate\n" } } });
  sampling();
  expect((await until("a failure", () => latest?.failure)).kind).toBe("driver-not-loaded");
  smi.change({ on: {} });
  await until("samples", () => latest?.rows?.length === 8);
});

it("a GPU that is to be reset is left alone between samples", async () => {
  const seen = sampling();
  await until("a sample", () => latest?.rows);
  seen.keepApart(true);
  const from = count;
  await until("samples of single runs", () => count > from + 2 && latest?.rows?.length === 8);
  await until("a moment without any", () => children().length === 0);
  seen.keepApart(false);
  await until("the loop", () => children().length === 1 && count > from + 6);
});

it("started again and again, as each whole reading does, it still asks one at a time", async () => {
  const one = sampling();
  one.keepApart(true);
  await until("a single run", () => count >= 2, 30_000);
  for (let at = 0; at < 10; at += 1) one.start();
  const before = count;
  const more = () => {
    expect(children().length).toBeLessThanOrEqual(1);
    return count >= before + 4;
  };
  await until("more of them", more, 30_000);
}, 70_000);
