import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "./job.js";

/** When one process of an attempt could run: what jobs/marked-python left behind. */
export interface Marks {
  attempt: number;
  machine: string;
  pid: number;
  /** Milliseconds since 1970. */
  times: number[];
}

export async function marksOf(job: Job): Promise<Marks[]> {
  const folder = join(await job.folder(), "outputs", "marks");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => {
    const [, attempt, machine = "", pid] = /^(\d+)-(.+)-(\d+)$/.exec(name) ?? [];
    // A power cut may have left the last line in pieces.
    const lines = readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1);
    const times = lines.map((line) => Number(line.replace(",", ".")) * 1000).filter((time) => time > 0);
    return { attempt: Number(attempt), machine, pid: Number(pid), times };
  });
}

const timesOf = (marks: Marks[], attempt: number, machine?: string) =>
  marks
    .filter((mark) => mark.attempt === attempt && (machine === undefined || mark.machine === machine))
    .flatMap(({ times }) => times);

export const firstMark = (marks: Marks[], attempt: number) => Math.min(...timesOf(marks, attempt));
export const lastMark = (marks: Marks[], attempt: number, machine?: string) =>
  Math.max(...timesOf(marks, attempt, machine));

/** No process of an attempt could run once one of the next had started, on any machine. */
export function assertOneAtATime(marks: Marks[]): void {
  for (const { attempt } of marks) assert.ok(timesOf(marks, attempt).length > 0, `attempt ${attempt} left no marks`);
  const attempts = [...new Set(marks.map(({ attempt }) => attempt))].sort((a, b) => a - b);
  attempts.slice(1).forEach((next, index) => {
    const before = attempts[index] ?? 0;
    const [last, first] = [lastMark(marks, before), firstMark(marks, next)];
    assert.ok(last < first, `attempt ${before} still ran ${last - first} ms after attempt ${next} had started`);
  });
}
