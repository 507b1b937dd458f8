import { beforeEach, expect, it } from "vitest";
import { nodeView } from "../../coordinator/api/views/node.js";
import { nodeNamed } from "../../coordinator/core/names.js";
import { CoreWorld } from "../build.js";

let world: CoreWorld;

/** Pairs: 0 with 2, and 1 with 3. */
const links = (a: number, b: number) => (a === b ? "X" : (a + b) % 2 === 0 ? "NV12" : "SYS");

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
});

function gpusOf(name: string): readonly string[] | undefined {
  const state = world.job(name)?.state;
  return state && "lease" in state ? state.lease.shares[0]?.held.gpuUuids : undefined;
}

it("a job that takes some of a node's GPUs gets those that are close to each other", () => {
  world.hello("a", { gpus: 4, cpus: 8, links });
  world.submit("j1", { resources: { gpus: 2 } });
  world.submit("j2", { resources: { gpus: 2 } });
  expect(gpusOf("j1")).toEqual(["a-gpu-0", "a-gpu-2"]);
  expect(gpusOf("j2")).toEqual(["a-gpu-1", "a-gpu-3"]);
  const row = nodeNamed(world.state, "a");
  const gpus = row && nodeView(world.state, row, undefined).inventory?.gpus;
  expect(gpus?.[0]?.links).toEqual(["X", "SYS", "NV12", "SYS"]);
});

it("GPUs that come in a later hello are offered at once, and what runs on the others goes on", () => {
  world.hello("a", { gpus: 1, cpus: 8 });
  world.submit("j1", { resources: { gpus: 1 } });
  world.submit("j2", { resources: { gpus: 1 } });
  expect(gpusOf("j2")).toBeUndefined();
  const lease = world.job("j1")?.state;
  world.hello("a", { gpus: 2, cpus: 8 }, lease && "lease" in lease ? [lease.lease.id] : []);
  expect([gpusOf("j1"), gpusOf("j2")]).toEqual([["a-gpu-0"], ["a-gpu-1"]]);
});
