import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Histories } from "./histories.js";

const log = pino({ level: "silent" });
const day = 24 * 3_600_000;
/** A round time, so that steps are easily told. */
const begin = Math.ceil(Date.UTC(2026, 10, 1) / (30 * day)) * 30 * day;
let folder: string;
let histories: Histories;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-history-"));
  histories = new Histories(folder, log);
});

afterEach(() => {
  histories.close();
  rmSync(folder, { recursive: true, force: true });
});

const sample = (percent: number) => ({
  cpuPercent: percent,
  gpus: [{ uuid: "GPU-1", utilizationPercent: percent, memoryUsedBytes: 2 ** 30 }],
});

function read(from: number, to: number, steps: number, now = to) {
  const found = histories.read("n1", ["GPU-1"], { from, to, steps, now });
  const of = (name: string) => found?.series.find((series) => series.name === name);
  return {
    ...found,
    cpu: of("cpu_percent"),
    gpu: of("gpu:GPU-1:utilization_percent"),
    memory: of("memory_used_bytes"),
  };
}

it("keeps the mean of each ten seconds, and puts several into one step with their mean and their most", () => {
  for (let at = 0; at < 40_000; at += 2_000) histories.add("n1", ["GPU-1"], begin + at, sample(at / 1_000));
  histories.add("n1", ["GPU-1"], begin + 40_000, sample(99));
  expect(read(begin, begin + 40_000, 100).cpu?.means).toEqual([4, 14, 24, 34]);
  const { stepMs, gpu, memory } = read(begin, begin + 40_000, 2);
  expect(stepMs).toBe(20_000);
  expect(gpu).toMatchObject({ means: [9, 29], mosts: [14, 34] });
  // Never said, never zero.
  expect(memory?.means).toEqual([Number.NaN, Number.NaN]);
});

it("outlives a restart", () => {
  histories.add("n1", ["GPU-1"], begin, sample(10));
  histories.close();
  histories = new Histories(folder, log);
  expect(read(begin, begin + 10_000, 1).cpu?.means).toEqual([10]);
});

it("forgets the fine after a day and the coarse after thirty, and never grows", () => {
  const size = () =>
    readdirSync(join(folder, "n1")).reduce((sum, name) => sum + statSync(join(folder, "n1", name)).size, 0);
  const every = 300_000;
  const write = (from: number, days: number) => {
    for (let at = 0; at < days * day; at += every) histories.add("n1", ["GPU-1"], begin + from + at, sample(50));
  };
  write(0, 31);
  const full = size();
  write(31 * day, 31);
  expect(size()).toBe(full);
  const end = begin + 62 * day;
  const values = (from: number, to: number) =>
    read(from, to, 10_000, end).cpu?.means.filter((mean) => !Number.isNaN(mean)) ?? [];
  expect(values(end - day + 60_000, end)).toHaveLength(day / every - 1);
  expect(values(end - 29 * day, end)).toHaveLength((29 * day) / every);
  expect(values(end - 60 * day, end - 31 * day)).toEqual([]);
});

it("what a node measured stays when its GPUs change, and that of GPUs that stay", () => {
  const two = { cpuPercent: 10, gpus: ["GPU-1", "GPU-2"].map((uuid) => ({ uuid, utilizationPercent: 10 })) };
  histories.add("n1", ["GPU-1", "GPU-2"], begin, two);
  histories.add("n1", ["GPU-3", "GPU-1"], begin + 10_000, {
    ...sample(20),
    gpus: [{ uuid: "GPU-3", utilizationPercent: 1 }],
  });
  histories.add("n1", ["GPU-3", "GPU-1"], begin + 20_000, sample(30));
  const found = histories.read("n1", ["GPU-3", "GPU-1"], {
    from: begin,
    to: begin + 20_000,
    steps: 2,
    now: begin + 20_000,
  });
  const of = (name: string) => found?.series.find((series) => series.name === name)?.means;
  expect(of("cpu_percent")).toEqual([10, 20]);
  expect(of("gpu:GPU-1:utilization_percent")).toEqual([10, Number.NaN]);
  expect(of("gpu:GPU-3:utilization_percent")).toEqual([Number.NaN, 1]);
  expect(readdirSync(join(folder, "n1")).sort()).toEqual(["day", "month"]);
  histories.remove("n1");
  expect(readdirSync(folder)).toEqual([]);
});

it("a file of the release before, which had fewer columns and no mosts, is taken over", () => {
  const columns = ["cpu_percent", "memory_used_bytes", "load1"];
  const header = JSON.stringify({ columns, everyMs: 300_000, slots: 8_640 }).padEnd(16 * 1024, " ");
  const slot = Buffer.alloc(20);
  slot.writeDoubleLE(begin, 0);
  slot.writeFloatLE(12, 8);
  slot.writeFloatLE(Number.NaN, 12);
  slot.writeFloatLE(3, 16);
  const place = (begin / 300_000) % 8_640;
  mkdirSync(join(folder, "n1"), { recursive: true });
  writeFileSync(join(folder, "n1", "month"), Buffer.concat([Buffer.from(header), Buffer.alloc(place * 20), slot]));
  expect(read(begin, begin + 300_000, 1, begin + 2 * day).cpu).toMatchObject({ means: [12], mosts: [12] });
});

it("thirty days later the most of a step is still the highest sample in it, and not the highest mean", () => {
  for (let at = 0; at < 300_000; at += 2_000)
    histories.add("n1", ["GPU-1"], begin + at, sample(at === 100_000 ? 100 : 0));
  histories.add("n1", ["GPU-1"], begin + 300_000, sample(0));
  const { gpu } = read(begin, begin + 300_000, 1, begin + 2 * day);
  expect(gpu?.mosts).toEqual([100]);
  expect(gpu?.means[0]).toBeCloseTo(100 / 150);
});

it("more parts of GPUs than a file can name are not all kept, which costs nothing else", () => {
  const uuids = Array.from({ length: 60 }, (_, at) => `MIG-00000000-0000-0000-0000-0000000000${10 + at}`);
  histories.add("n1", uuids, begin, { cpuPercent: 1, gpus: [] });
  expect(
    histories.read("n1", uuids, { from: begin, to: begin + 10_000, steps: 1, now: begin })?.series[0]?.means,
  ).toEqual([1]);
});

it("a file that is not one of its own is set aside", () => {
  histories.add("n1", ["GPU-1"], begin, sample(10));
  histories.close();
  writeFileSync(join(folder, "n1", "day"), "rubbish");
  histories = new Histories(folder, log);
  histories.add("n1", ["GPU-1"], begin + 20_000, sample(30));
  histories.add("n1", ["GPU-1"], begin + 30_000, sample(40));
  expect(read(begin, begin + 30_000, 3).cpu?.means).toEqual([Number.NaN, Number.NaN, 30]);
});
