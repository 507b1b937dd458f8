import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
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

it("another set of GPUs begins another file, and the former stays beside it", () => {
  histories.add("n1", ["GPU-1"], begin, sample(10));
  histories.add("n1", ["GPU-2"], begin + 10_000, sample(20));
  expect(readdirSync(join(folder, "n1")).sort()).toEqual(["day", "day.old", "month", "month.old"]);
  histories.remove("n1");
  expect(readdirSync(folder)).toEqual([]);
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
