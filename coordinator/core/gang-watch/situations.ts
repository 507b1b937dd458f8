import { leaseId } from "../../../shared/ids.js";
import { Course, type Values } from "./course.js";
import type { Gang, WatchedGpu } from "./gang.js";
import { defaultThresholds } from "./thresholds.js";

/** For tests: gangs as they go, seen every 10 s. Times are minutes of their run. */

const sampleMs = 10_000;
const minute = 60_000;
const start = 1_000_000_000;

/** What a GPU shows after so many minutes; undefined: nothing is measured. */
export type Curve = (minutes: number) => Values | undefined;

/** Not random, and never the same twice. */
const wave = (minutes: number, seed: number) =>
  Math.sin(minutes * 2.3 + seed * 1.7) * 0.6 + Math.sin(minutes * 11.1 + seed) * 0.4;

const idleCpu = 3;

/** At work: 92 to 100 %, and power that goes up and down by a tenth. */
export const training =
  (seed = 0, watts = 300): Curve =>
  (t) => ({
    utilizationPercent: Math.min(100, 97 + 3 * wave(t, seed)),
    powerWatts: watts * (1 + 0.1 * wave(t, seed)),
    smClockMhz: 1_410,
    temperatureCelsius: 62 + wave(t, seed),
    cpuPercent: 30,
  });

/** Waits in a collective. */
export const spinning =
  (seed = 0, watts = 92): Curve =>
  (t) => ({
    ...{ utilizationPercent: 100, powerWatts: watts + wave(t, seed), smClockMhz: 1_410 },
    ...{ temperatureCelsius: 45, cpuPercent: 8 },
  });

export const still =
  (seed = 0, cpuPercent = idleCpu): Curve =>
  (t) => ({
    ...{ utilizationPercent: 0, powerWatts: 55 + wave(t, seed) * 0.5, smClockMhz: 210 },
    ...{ temperatureCelsius: 35, cpuPercent },
  });

export const unmeasured: Curve = () => undefined;

/** The first until so many minutes, then the second. */
export const until =
  (minutes: number, first: Curve, second: Curve): Curve =>
  (t) =>
    t < minutes ? first(t) : second(t);

export const changed =
  (curve: Curve, change: (values: Values, minutes: number) => Values | undefined): Curve =>
  (t) => {
    const values = curve(t);
    return values && change(values, t);
  };

/** The second for `partMinutes` out of each `everyMinutes`. */
export const inTurn =
  (everyMinutes: number, partMinutes: number, first: Curve, second: Curve): Curve =>
  (t) =>
    t % everyMinutes >= everyMinutes - partMinutes ? second(t) : first(t);

export interface Scene {
  minutes: number;
  gpus: readonly Curve[];
  /** One a GPU, when it is not said. */
  rankCount?: number;
  models?: readonly string[];
  idleLimitMs?: number;
  found?: ReadonlyArray<readonly ["hang" | "straggler" | "idle", number]>;
  perNode?: number;
}

export function gangOfScene({ minutes, gpus, models = [], perNode = 4, found = [], ...rest }: Scene): Gang {
  const now = start + minutes * minute;
  const watched = gpus.map((curve, at): WatchedGpu => {
    const course = new Course(defaultThresholds.step, 40 * minute);
    // It was seen at rest before the job came.
    for (let before = -3; before < 0; before++) course.add(start + before * minute, still()(0) ?? {});
    course.hold(leaseId("j" as never, 1));
    for (let time = start; time <= now; time += sampleMs) {
      const values = curve((time - start) / minute);
      if (values) course.add(time, values);
    }
    const { busyWatts, restingWatts, worked, cells } = course;
    return {
      ...{ node: `m${Math.floor(at / perNode) + 1}`, index: at % perNode, uuid: `GPU-${at}`, ranks: [at] },
      ...{ model: models[at] ?? "A100", cells, worked },
      ...(busyWatts === undefined ? {} : { busyWatts }),
      ...(restingWatts === undefined ? {} : { restingWatts }),
    };
  });
  return {
    ...{ now, since: start, gpus: watched, rankCount: rest.rankCount ?? gpus.length },
    ...(rest.idleLimitMs === undefined ? {} : { idleLimitMs: rest.idleLimitMs }),
    isFound: (kind, uuid) => found.some(([each, at]) => each === kind && `GPU-${at}` === uuid),
  };
}

const all = (count: number, curve: (at: number) => Curve): Curve[] =>
  Array.from({ length: count }, (_, at) => curve(at));
/** All but one. */
const but = (count: number, one: number, its: Curve, others: (at: number) => Curve): Curve[] =>
  all(count, (at) => (at === one ? its : others(at)));

const slow = (mhz: number, degrees: number) =>
  changed(training(5, 240), (values) => ({ ...values, smClockMhz: mhz, temperatureCelsius: degrees }));
const starved = (percent: number) =>
  changed(training(5, 180), (values, t) => ({ ...values, utilizationPercent: percent + 20 * wave(t, 3) }));
const without = (curve: Curve, field: keyof Values): Curve =>
  changed(curve, (values) => Object.fromEntries(Object.entries(values).filter(([name]) => name !== field)) as Values);

/** What is seen, and what somebody who knows would say: `rule of GPU-n,…`, `unknown` of a rule, or nothing. */
export const situations: Array<[label: string, scene: Scene, expected: string[]]> = [
  // Hangs
  [
    "all wait in a collective after work",
    { minutes: 40, gpus: all(8, (at) => until(20, training(at), spinning(at))) },
    ["hang of all"],
  ],
  [
    "one rank died inside, seven wait for it",
    { minutes: 40, gpus: but(8, 5, until(20, training(5), still(5)), (at) => until(20, training(at), spinning(at))) },
    ["hang of 5"],
  ],
  ["a deadlock in the very first collective", { minutes: 15, gpus: all(4, (at) => spinning(at)) }, ["hang of all"]],
  [
    "all stopped in the middle, and the processors too",
    { minutes: 35, gpus: all(8, (at) => until(20, training(at), still(at))) },
    ["hang of all"],
  ],
  [
    "one GPU, whose program waits for a loader that is gone",
    { minutes: 35, gpus: [until(20, training(), still())] },
    ["hang of all"],
  ],
  ["one GPU in a kernel that never ends", { minutes: 35, gpus: [until(20, training(), spinning())] }, ["hang of all"]],
  [
    "a hang of smaller cards: T4 at 28 of 68 W",
    {
      minutes: 35,
      gpus: all(4, (at) => until(20, training(at, 68), spinning(at, 28))),
      models: ["T4", "T4", "T4", "T4"],
    },
    ["hang of all"],
  ],
  [
    "a hang, seen with gaps of half a minute",
    { minutes: 40, gpus: all(8, (at) => inTurn(4, 0.5, until(20, training(at), spinning(at)), unmeasured)) },
    ["hang of all"],
  ],
  [
    "they wait, but not for ten minutes yet",
    { minutes: 28, gpus: all(8, (at) => until(20, training(at), spinning(at))) },
    [],
  ],
  // Stragglers
  [
    "one is hot and slow",
    { minutes: 20, gpus: but(8, 6, slow(1_005, 89), (at) => training(at, 260)) },
    ["straggler-clock of 6"],
  ],
  [
    "one of two is slow",
    { minutes: 20, gpus: but(2, 1, slow(900, 62), (at) => training(at)) },
    ["straggler-clock of 1"],
  ],
  [
    "one is short of data",
    { minutes: 20, gpus: but(8, 2, starved(40), (at) => spinning(at, 180)) },
    ["straggler-starved of 2"],
  ],
  [
    "one has more to do than the others",
    {
      minutes: 20,
      gpus: but(8, 0, training(0, 300), (at) =>
        changed(spinning(at, 130), (values, t) => ({ ...values, powerWatts: 130 * (1 + 0.12 * wave(t, at)) })),
      ),
    },
    ["straggler-loaded of 0"],
  ],
  [
    "a straggler that was found stays one while it is nearly as fast",
    { minutes: 20, gpus: but(8, 6, slow(1_200, 80), (at) => training(at)), found: [["straggler", 6]] },
    ["straggler-clock of 6"],
  ],
  ["the same one, not found before", { minutes: 20, gpus: but(8, 6, slow(1_200, 80), (at) => training(at)) }, []],
  // Idle
  ["never used", { minutes: 40, gpus: all(4, (at) => still(at, 40)) }, ["idle of all"]],
  [
    "three of four never used",
    { minutes: 40, gpus: but(4, 0, training(), (at) => still(at, 40)), rankCount: 1 },
    ["idle of 1,2,3"],
  ],
  [
    "no longer used while the processors work on",
    { minutes: 60, gpus: all(2, (at) => until(20, training(at), still(at, 60))) },
    ["idle of all"],
  ],
  [
    "idle by the job's own, shorter limit",
    { minutes: 12, gpus: all(2, (at) => still(at, 40)), idleLimitMs: 10 * minute },
    ["idle of all"],
  ],
  [
    "a notebook that somebody has left",
    { minutes: 80, gpus: [until(5, training(), still())], rankCount: 1 },
    ["hang of all", "idle of all"],
  ],
  // All is well
  ["training", { minutes: 40, gpus: all(8, (at) => training(at)) }, []],
  [
    "checkpoints of two minutes each ten",
    { minutes: 40, gpus: all(8, (at) => inTurn(10, 2, training(at), still(at))) },
    [],
  ],
  [
    "rank 0 evaluates on processors for 15 minutes, the others wait",
    {
      minutes: 40,
      gpus: but(8, 0, until(20, training(), still(0, 55)), (at) =>
        until(
          20,
          training(at),
          changed(spinning(at), (values) => ({ ...values, cpuPercent: 55 })),
        ),
      ),
    },
    [],
  ],
  [
    "data is loaded for eight minutes between two epochs",
    { minutes: 40, gpus: all(4, (at) => inTurn(20, 8, training(at), still(at))) },
    [],
  ],
  [
    "data is prepared by processors for a quarter of an hour",
    { minutes: 40, gpus: all(4, (at) => until(22, training(at), still(at, 70))) },
    [],
  ],
  ["just started", { minutes: 4, gpus: all(8, (at) => still(at)) }, ["unknown"]],
  [
    "a data set is copied for the first 20 minutes",
    { minutes: 25, gpus: all(8, (at) => until(20, still(at, 10), training(at))) },
    [],
  ],
  [
    "a small model that keeps GPUs half busy",
    {
      minutes: 40,
      gpus: all(4, (at) =>
        changed(training(at, 120), (values, t) => ({ ...values, utilizationPercent: 45 + 15 * wave(t, at) })),
      ),
    },
    [],
  ],
  [
    "a small model at full utilization and little power, as always",
    { minutes: 40, gpus: all(4, (at) => training(at, 140)) },
    [],
  ],
  [
    "a power cap for all",
    { minutes: 40, gpus: all(8, (at) => changed(training(at, 200), (values) => ({ ...values, smClockMhz: 990 }))) },
    [],
  ],
  [
    "two models of GPU in one gang",
    {
      minutes: 40,
      gpus: all(4, (at) =>
        at < 2 ? training(at) : changed(training(at, 68), (values) => ({ ...values, smClockMhz: 900 })),
      ),
      models: ["A100", "A100", "T4", "T4"],
    },
    [],
  ],
  [
    "four processes of their own under one command",
    { minutes: 40, gpus: but(4, 3, starved(30), (at) => training(at)), rankCount: 1 },
    [],
  ],
  [
    "stages of a pipeline, each with another load",
    {
      minutes: 40,
      gpus: all(4, (at) => changed(training(at, 160 + 70 * at), (values) => ({ ...values, utilizationPercent: 98 }))),
    },
    [],
  ],
  [
    "a long evaluation at lower power",
    { minutes: 40, gpus: all(8, (at) => until(20, training(at), training(at, 190))) },
    [],
  ],
  // Too little is known
  [
    "slices of GPUs, which have no utilization",
    { minutes: 40, gpus: all(4, (at) => without(training(at), "utilizationPercent")) },
    ["unknown"],
  ],
  [
    "cards that know no power",
    { minutes: 40, gpus: all(4, (at) => without(until(20, training(at), spinning(at)), "powerWatts")) },
    ["unknown"],
  ],
  [
    "a node that has fallen silent",
    { minutes: 40, gpus: all(8, (at) => until(20, training(at), at < 4 ? unmeasured : spinning(at))) },
    ["unknown"],
  ],
  ["no telemetry at all", { minutes: 40, gpus: all(2, () => unmeasured) }, ["unknown"]],
  [
    "an idle one that is no longer measured stays idle",
    { minutes: 40, gpus: [training(), unmeasured], rankCount: 1, found: [["idle", 1]] },
    ["idle of 1"],
  ],
];
