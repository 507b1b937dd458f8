import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Found, Gang } from "./gang.js";
import { judge } from "./judge.js";
import { gangOfScene, situations, spinning, still, training, until } from "./situations.js";
import { defaultThresholds, readThresholds, thresholdTable } from "./thresholds.js";

const textOf = (gang: Gang, { rule, gpus }: Found) =>
  `${rule} of ${gpus.length === gang.gpus.length ? "all" : gpus.map(({ uuid }) => uuid.slice(4)).join(",")}`;

describe("what is suspected", () => {
  it.each(situations)("%s", (_, scene, expected) => {
    const gang = gangOfScene(scene);
    const { found, judged } = judge(gang, defaultThresholds);
    expect(found.map((each) => textOf(gang, each))).toEqual(expected.filter((text) => text !== "unknown"));
    // Of a gang of which nothing is known nothing is said: not that it is well either.
    if (expected.includes("unknown")) expect(judged).not.toContain("hang");
    else expect(judged).toContain(expected.some((text) => text.startsWith("idle")) ? "idle" : "hang");
  });
});

it("each kind is told with its node, GPU and rank, how long, and what to do", () => {
  const told = (scene: Parameters<typeof gangOfScene>[0]) =>
    judge(gangOfScene(scene), defaultThresholds).found.map(({ sentence }) => sentence);
  const gpus = Array.from({ length: 8 }, (_, at) => until(20, training(at), at === 5 ? still(at) : spinning(at)));
  expect(told({ minutes: 40, gpus })).toEqual([
    "the job seems to hang: GPU 1 of m2 (rank 5) does nothing for 10 minutes, while 7 other GPUs wait at full utilization and next to no power: look at its ranks' stacks with stoker job node exec and py-spy or gdb",
  ]);
  const hot: typeof gpus = gpus.map((_, at) => (t) => ({
    ...training(at)(t),
    ...(at === 6 ? { smClockMhz: 1_005, temperatureCelsius: 89 } : {}),
  }));
  expect(told({ minutes: 20, gpus: hot })).toEqual([
    "GPU 2 of m2 (rank 6) is slower than its peers: it runs at 1005 MHz, they at 1410 MHz, for 5 minutes (it has 89 °C, they 62 °C): look at its cooling; the others wait for it",
  ]);
  expect(told({ minutes: 40, gpus: [training(), still(1, 40)], rankCount: 1 })).toEqual([
    "GPU 1 of m1 (rank 1) is held and not used for 30 minutes: ask for fewer, or start a process for each",
  ]);
});

it("thresholds are told by name, and a wrong one is refused", () => {
  expect(readThresholds({ "hang-after": "PT2M", spinPower: "0.4", idlePercent: "2 %" })).toMatchObject({
    ...{ hangAfter: 120_000, spinPower: 0.4, idlePercent: 2, stragglerAfter: 300_000 },
  });
  expect(() => readThresholds({ hangsAfter: "PT2M" })).toThrow(/"hangsAfter" is none of step, hangAfter/);
  expect(() => readThresholds({ hangAfter: "soon" })).toThrow(/hangAfter: "soon" is not a duration/);
  expect(() => readThresholds({ spinPower: "0" })).toThrow(/spinPower: "0" is not between 0 and 10/);
});

it("the document names every threshold with its default", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../docs/gang-watch.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\S+)/gm)].map(([, name = "", value = ""]) => [name, value] as const);
  const shown = rows.filter(([name]) => Object.hasOwn(thresholdTable, name));
  expect(shown.map(([name]) => name)).toEqual(Object.keys(thresholdTable));
  expect(readThresholds(Object.fromEntries(shown))).toEqual(defaultThresholds);
});
