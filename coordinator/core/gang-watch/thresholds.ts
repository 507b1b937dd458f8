import { Fault } from "../../../shared/fault.js";
import { admitDuration } from "../admission/quantities.js";

/** One number that decides what is suspected. */
interface Threshold {
  readonly value: number;
  readonly unit: "duration" | "percent" | "ratio";
  readonly meaning: string;
  /** Where the value comes from. */
  readonly source: string;
}

const minute = 60_000;

export const thresholdTable = {
  step: {
    value: 10_000,
    unit: "duration",
    meaning: "measurements are taken together in steps of so long, and looked at as often",
    source: "the finest that is kept as history; shorter than a step of training is of no use",
  },
  hangAfter: {
    value: 10 * minute,
    unit: "duration",
    meaning: "a gang of which no GPU makes progress for so long hangs",
    source: "PyTorch's own limit for a collective operation of NCCL; checkpoints and evaluations are shorter",
  },
  stragglerAfter: {
    value: 5 * minute,
    unit: "duration",
    meaning: "a GPU that is behind its peers for so long is a straggler",
    source: "longer than a thermal swing, a checkpoint by one rank, or a phase of loading",
  },
  idleAfter: {
    value: 30 * minute,
    unit: "duration",
    meaning: "a GPU that is held and not used for so long is idle",
    source: "data sets are copied and containers built at a job's beginning, rarely for longer",
  },
  idleWarning: {
    value: 5 * minute,
    unit: "duration",
    meaning: "between the warning and the end of a job whose GPUs are idle, at least",
    source: "time to look, and to terminate or go on by hand",
  },
  idlePercent: {
    value: 5,
    unit: "percent",
    meaning: "utilization below which a GPU does nothing",
    source: "a GPU that only drives a monitor, or is polled, shows 0 to 3 %",
  },
  spinPercent: {
    value: 95,
    unit: "percent",
    meaning: "utilization above which a GPU has a kernel at all times",
    source: "a collective that waits polls in one kernel: 100 %, less where the sampling period is coarse",
  },
  spinPower: {
    value: 0.5,
    unit: "ratio",
    meaning: "a GPU that waits draws at most this part of what it drew at work",
    source: "A100: about 90 of 300 W and more; H100: about 125 of 500 W and more",
  },
  restingPower: {
    value: 2,
    unit: "ratio",
    meaning: "a GPU that was never seen at work waits when it draws at most so many times what it draws at rest",
    source: "A100: 55 and 90 W; V100: 40 and 65 W; T4: 15 and 28 W",
  },
  flatPower: {
    value: 0.06,
    unit: "ratio",
    meaning: "power that varies by no more than this is flat: the same thing happens all the time",
    source:
      "training varies by 15 % and more between steps of 10 s, because of loading, checkpoints and the end of epochs",
  },
  busyCpuPercent: {
    value: 25,
    unit: "percent",
    meaning: "a machine whose processors are busier works on something else: no hang of a GPU that does nothing",
    source: "ranks that wait take a core each at most",
  },
  slowClock: {
    value: 0.8,
    unit: "ratio",
    meaning: "a GPU under load is slow when its clock is at most this part of its peers'",
    source: "GPUs of a model differ by some 5 % under the same load; thermal slow-down begins at a third less",
  },
  starvedPercent: {
    value: 60,
    unit: "percent",
    meaning: "a GPU is starved that is used less than this while all its peers are in use at all times",
    source: "in synchronous training all are as fast as the slowest: who waits in a collective shows 100 %",
  },
  loadedPower: {
    value: 1.5,
    unit: "ratio",
    meaning: "a GPU has more to do than its peers when it draws so many times what they draw",
    source: "who waits in a collective draws a third of who computes",
  },
} as const satisfies Record<string, Threshold>;

export type ThresholdName = keyof typeof thresholdTable;
export type Thresholds = Readonly<Record<ThresholdName, number>>;

const names = Object.keys(thresholdTable) as ThresholdName[];

export const defaultThresholds: Thresholds = Object.fromEntries(
  names.map((name) => [name, thresholdTable[name].value]),
) as Thresholds;

/** As the configuration has them, by name: `PT10M`, a percentage, or a ratio. Throws a Fault that names the one that is wrong. */
export function readThresholds(given: Readonly<Record<string, string>>): Thresholds {
  const read: Record<string, number> = {};
  for (const [key, text] of Object.entries(given)) {
    const name = names.find((each) => each === key || kebab(each) === key);
    if (!name) throw new Fault("invalid-argument", `"${key}" is none of ${names.join(", ")}`);
    read[name] = thresholdTable[name].unit === "duration" ? admitDuration(name, text) : numberOf(name, text);
  }
  return { ...defaultThresholds, ...read };
}

function numberOf(name: ThresholdName, text: string): number {
  const { unit } = thresholdTable[name];
  const value = /^\d+(\.\d+)?\s*%?$/.test(text.trim()) ? Number.parseFloat(text) : Number.NaN;
  const most = unit === "percent" ? 100 : 10;
  if (value > 0 && value <= most) return value;
  throw new Fault("invalid-argument", `${name}: "${text}" is not between 0 and ${most}`);
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
