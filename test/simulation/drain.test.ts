import { expect, test } from "vitest";
import { isRowChange } from "../../coordinator/core/changes.js";
import type { Effect } from "../../coordinator/core/effects.js";
import { CoreWorld } from "../build.js";
import { obey } from "./agents.js";

/** Of this process: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** 10,000 jobs through the core alone: 4 machines of 8 cores, submitted in a row, then worked off. Gives milliseconds of CPU time. */
function drain(jobs: number): { submitMs: number; drainMs: number; world: CoreWorld; rows: number } {
  const world = new CoreWorld();
  world.checked = false;
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 4 } } });
  for (const name of ["n1", "n2", "n3", "n4"]) world.hello(name, { cpus: 8 });
  const effects: Effect[] = [];
  let rows = 0;
  const begun = cpuMs();
  for (let at = 0; at < jobs; at += 1) {
    const result = world.submit(`j${at}`, { resources: { cpus: 1 } });
    effects.push(...result.effects);
    rows += result.changes.filter(isRowChange).length;
  }
  const submitted = cpuMs();
  obey(world, effects);
  return { submitMs: submitted - begun, drainMs: cpuMs() - submitted, world, rows };
}

test("ten thousand jobs are worked off, each once", () => {
  const { world, submitMs, drainMs } = drain(10_000);
  console.info(`submitted in ${Math.round(submitMs)} ms of CPU, worked off in ${Math.round(drainMs)} ms`);
  const jobs = [...world.state.jobs.values()];
  expect(jobs).toHaveLength(10_000);
  expect(
    jobs.every(
      ({ state, attempt }) => state.kind === "finished" && state.outcome.kind === "succeeded" && attempt === 1,
    ),
  ).toBe(true);
});
