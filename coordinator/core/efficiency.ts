/** What was measured of a GPU while an attempt held it. NaN is no value. */
export interface Measured {
  readonly utilizationPercent: readonly number[];
  readonly memoryUsedBytes: readonly number[];
  readonly powerWatts: readonly number[];
}

export interface GpuEfficiency {
  readonly utilizationPercent?: number;
  /** Part of the time in which it did next to nothing. */
  readonly idlePercent?: number;
  readonly memoryMostBytes?: number;
  readonly powerWatts?: number;
}

const idleBelowPercent = 5;

export function efficiencyOf({ utilizationPercent, memoryUsedBytes, powerWatts }: Measured): GpuEfficiency {
  const utilization = given(utilizationPercent);
  const memory = given(memoryUsedBytes);
  const power = given(powerWatts);
  const idle = utilization.filter((percent) => percent < idleBelowPercent).length;
  return {
    ...(utilization.length > 0
      ? { utilizationPercent: mean(utilization), idlePercent: (100 * idle) / utilization.length }
      : {}),
    ...(memory.length > 0 ? { memoryMostBytes: Math.max(...memory) } : {}),
    ...(power.length > 0 ? { powerWatts: mean(power) } : {}),
  };
}

/** Less of it is not worth a word. */
const shortestMs = 5 * 60_000;

/** What its owner could do better, in sentences; none when all is well, or too little is known. */
export function adviceFor(
  gpus: ReadonlyArray<GpuEfficiency & { readonly name: string; readonly memoryBytes: number }>,
  lastedMs: number,
): string[] {
  const known = gpus.filter(({ utilizationPercent }) => utilizationPercent !== undefined);
  if (known.length === 0 || lastedMs < shortestMs) return [];
  const unused = known.filter(({ idlePercent = 0 }) => idlePercent > 99);
  const used = known.filter((gpu) => !unused.includes(gpu));
  const advice: string[] = [];
  if (unused.length === known.length) {
    advice.push(
      "No GPU was used: look whether the program finds them (CUDA_VISIBLE_DEVICES, its build), or ask for none.",
    );
  } else if (unused.length > 0) {
    const names = unused.map(({ name }) => name).join(", ");
    advice.push(
      `${unused.length} of ${known.length} GPUs were never used (${names}): ask for fewer, or start a process for each.`,
    );
  }
  if (used.length === 0) return advice;
  const idle = mean(used.map(({ idlePercent = 0 }) => idlePercent));
  const utilization = mean(used.map(({ utilizationPercent = 0 }) => utilizationPercent));
  if (idle > 30) {
    advice.push(
      `GPUs waited ${Math.round(idle)} % of the time: for data, mostly. More loader processes, or data on a local disk, may help.`,
    );
  } else if (utilization < 40) {
    advice.push(`GPUs were at ${Math.round(utilization)} % on average: larger batches may use them better.`);
  }
  const fullest = Math.max(
    ...used.map(({ memoryMostBytes = 0, memoryBytes }) => (memoryBytes > 0 ? memoryMostBytes / memoryBytes : 0)),
  );
  if (fullest > 0 && fullest < 0.25) {
    advice.push(
      `At most ${Math.round(100 * fullest)} % of a GPU's memory was used: larger batches fit, or a smaller GPU would do.`,
    );
  } else if (fullest > 0.97) {
    advice.push("A GPU's memory was full: a little more, and the job would have died of it.");
  }
  return advice;
}

const given = (values: readonly number[]) => values.filter((value) => !Number.isNaN(value));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
