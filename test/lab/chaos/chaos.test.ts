import { afterEach, expect, it } from "vitest";
import { runChaos } from "./chaos.js";
import { HostGround } from "./host-ground.js";
import { faultKinds } from "./plan.js";
import { report } from "./report.js";

let ground: HostGround | undefined;

afterEach(() => ground?.stop(), 30_000);

const shown: string[] = [];

/** Leases of the ordinary length, which a slow machine can keep too: no fault lasts as long, so only a shim's death may end an attempt. */
it("keeps its laws while every daemon is killed, stopped and cut off for a while", async () => {
  const kinds = faultKinds.filter((kind) => kind !== "power-cut");
  ground = await HostGround.raise({ nodes: 3, cpusPerNode: 4, ttlMs: 12_000, marginMs: 3_000, heartbeatMs: 1_000 });
  const times = { runMs: 30_000, faultEveryMs: 1_200, submitEveryMs: 1_000, longestJobMs: 5_000, longShare: 0 };
  const result = await runChaos(ground, { seed: 11, kinds, ...times }, (line) => shown.push(line));
  expect(result.violations, [...shown, ...report(result)].join("\n")).toEqual([]);
  expect(result.evidence.acknowledged.length).toBeGreaterThan(5);
  expect(result.evidence.disturbances.length).toBeGreaterThan(5);
  expect(result.evidence.journals.length).toBeGreaterThanOrEqual(result.evidence.acknowledged.length / 2);
}, 400_000);
