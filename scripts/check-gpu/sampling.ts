import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { GpuSampler } from "../../agent/telemetry/gpu-sampler.js";
import type { SmiRow } from "../../agent/telemetry/smi/rows.js";
import { SmiRuns } from "../../agent/telemetry/smi-runs.js";
import type { Report } from "./report.js";

const everyMs = 2_000;

/** The agent's own sampler, for a while. */
export async function sample(program: string, gpus: number, seconds: number, report: Report): Promise<void> {
  const samples: Array<readonly SmiRow[]> = [];
  const failures: string[] = [];
  const runs = new SmiRuns();
  const sampler = new GpuSampler(
    {
      ...{ program, everyMs, smiRuns: runs, expected: () => gpus },
      sampled: (rows, failure) => {
        if (rows) samples.push(rows);
        else failures.push(failure?.sentence ?? "no samples");
      },
    },
    pino({ level: "silent" }),
  );
  const before = process.cpuUsage();
  sampler.start();
  await delay(seconds * 1_000);
  sampler.close();
  const { user, system } = process.cpuUsage(before);
  const percent = (user + system) / 10_000 / seconds;
  const wanted = Math.floor((seconds * 1_000) / everyMs / 2);
  report.judge(samples.length >= wanted, `${samples.length} samples in ${seconds} s, at least ${wanted} were expected`);
  report.judge(
    samples.every((rows) => rows.length === gpus),
    `each sample has all ${gpus} GPUs`,
  );
  report.judge(failures.length === 0, failures[0] ?? "no run failed or was silent");
  const last = samples.at(-1) ?? [];
  for (const row of last) {
    const { index, utilizationPercent, memoryUsedBytes, temperatureCelsius, powerWatts, trouble } = row;
    const values = { utilizationPercent, memoryUsedBytes, temperatureCelsius, powerWatts };
    const missing = Object.entries(values).flatMap(([name, value]) => (value === undefined ? name : []));
    if (trouble) report.fail(`GPU ${index}: ${trouble}`);
    else if (missing.length > 0) report.note(`GPU ${index} does not say ${missing.join(", ")}`);
  }
  report.judge(percent <= 1, `the sampler took ${percent.toFixed(2)} % of a core, beside nvidia-smi itself`);
  const { count, seconds: took } = runs.of.sample;
  if (count > 0) report.note(`a sample took nvidia-smi ${((1_000 * took) / count).toFixed(0)} ms`);
}
