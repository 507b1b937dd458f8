import { expect, it } from "vitest";
import { defaultThresholds } from "./health.js";
import { oddities, type SampledGpu } from "./sampled.js";
import { newHealth, stateOf, stepHealth } from "./step.js";

const health = newHealth([
  { uuid: "g0", index: 0, busId: "0000:0a:00" },
  { uuid: "g1", index: 1, busId: "0000:0b:00" },
]);
const row = (index: number, trouble?: SampledGpu["trouble"]): SampledGpu => ({
  ...{ index, uuid: `g${index}`, busId: `0000:0${index === 0 ? "a" : "b"}:00` },
  ...(trouble ? { trouble } : {}),
});
const after = (...samples: SampledGpu[][]) =>
  samples.reduce((known, gpus, at) => stepHealth(known, { type: "sampled", gpus }, defaultThresholds, at), health);
const states = (known: typeof health) => [...known.values()].map(stateOf);

it("a GPU that is lost is out of service with the sample that says so; its neighbour is not", () => {
  expect(states(after([row(0), row(1, "lost")]))).toEqual(["healthy", "failed"]);
  expect(states(after([row(0, "unknown-error"), row(1)]))).toEqual(["healthy", "healthy"]);
});

it("one sample may have been cut off; a GPU that two in a row do not list is gone", () => {
  expect(states(after([row(0)]))).toEqual(["healthy", "healthy"]);
  expect(states(after([row(0)], [row(0), row(1)], [row(0)]))).toEqual(["healthy", "healthy"]);
  const gone = after([row(0)], [row(0)], [row(0)]);
  expect(gone.get("g1")?.findings).toMatchObject([{ rule: "missing", since: 1 }]);
  // It takes a whole reading to take it back.
  expect(states(stepHealth(gone, { type: "sampled", gpus: [row(0), row(1)] }, defaultThresholds, 9))).toEqual([
    ...["healthy", "failed"],
  ]);
});

it("a sample that says nothing new changes nothing", () => {
  expect(after([row(0), row(1)])).toBe(health);
});

it("one that can't tell its name is known by its place, and its driver's last word by its address", () => {
  expect(oddities(health, [row(0), { index: 1, trouble: "unknown-error" }])).toBe("g1 unknown-error");
  expect(oddities(health, [row(0)])).toBe("g1 absent");
  expect(oddities(health, [row(0), row(1)])).toBe("");
  const known = stepHealth(health, { type: "unreachable", bus: "00000000:0B:00.0" }, defaultThresholds, 0);
  expect(states(known)).toEqual(["healthy", "failed"]);
});
