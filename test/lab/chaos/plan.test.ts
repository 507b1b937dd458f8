import { expect, it } from "vitest";
import { faultKinds, machineFaultKinds, planOf } from "./plan.js";

const settings = {
  seed: 7,
  runMs: 36_000_000,
  nodes: 6,
  ttlMs: 6_000,
  marginMs: 1_500,
  kinds: faultKinds,
  everyMs: 4_000,
  longShare: 0.25,
};

it("plans the same for the same seed, and otherwise for another", () => {
  expect(planOf(settings)).toEqual(planOf(settings));
  expect(planOf({ ...settings, seed: 8 })).not.toEqual(planOf(settings));
});

it("has every kind of fault in ten hours, on every node, short and long", () => {
  const plan = planOf(settings);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
  for (let node = 0; node < settings.nodes; node++) {
    const partitions = plan.filter((fault) => fault.node === node && fault.kind === "partition");
    expect(partitions.some(({ lastsMs }) => lastsMs < settings.ttlMs / 2)).toBe(true);
    expect(partitions.some(({ lastsMs }) => lastsMs > settings.ttlMs + settings.marginMs)).toBe(true);
  }
});

it("isolates nodes where they are machines, and only there", () => {
  const kindsOf = (kinds: typeof settings.kinds | typeof machineFaultKinds) =>
    new Set(planOf({ ...settings, kinds }).map(({ kind }) => kind));
  expect(kindsOf(machineFaultKinds)).toEqual(new Set(machineFaultKinds));
  expect(kindsOf(faultKinds)).not.toContain("isolate");
});
