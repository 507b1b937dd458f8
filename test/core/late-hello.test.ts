import { beforeEach, expect, test } from "vitest";
import { CoreWorld, ready } from "../build.js";

let world: CoreWorld;
let lease: string;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.hello("a");
  world.submit("j", {});
  lease = `${world.job("j")?.uuid}.1`;
  world.report("a", lease, ready);
  world.hello("b");
});

test("a hello that was kept on its way, from before the grant, takes no attempt away", () => {
  world.hello("a");
  expect(world.job("j")).toMatchObject({ attempt: 1, state: { kind: "running" } });
  // The agent dials again, and says what it holds.
  world.hello("a", {}, [lease]);
  world.beat("a", [lease]);
  expect(world.job("j")).toMatchObject({ attempt: 1, state: { kind: "running" } });
});

test("what the session's first heartbeat does not name either is given up", () => {
  const { effects } = world.hello("a");
  expect(effects.map(({ kind }) => kind)).not.toContain("grant-lease");
  world.beat("a");
  expect(world.job("j")).toMatchObject({ attempt: 2 });
});

test("a machine that was started anew is remembered as such over a session that came to nothing", () => {
  world.hello("a", { bootId: "boot-2" });
  world.hello("a", { bootId: "boot-2" });
  world.beat("a");
  const [first] = world.state.attempts.get(world.job("j")?.uuid ?? ("" as never)) ?? [];
  expect(first).toMatchObject({ state: "lost", reason: "node a was started anew while the job ran on it" });
});

test("room that a lost attempt took is given to nobody on the word of a late hello", () => {
  for (let second = 0; second < 32; second += 1) {
    world.now += 1_000;
    world.beat("b");
    world.send({ kind: "tick" });
  }
  expect(world.job("j")).toMatchObject({ attempt: 2 });
  world.hello("a");
  expect([...world.state.nodes.values()].find(({ name }) => name === "a")?.zombies).toHaveLength(1);
  world.beat("a");
  expect([...world.state.nodes.values()].find(({ name }) => name === "a")?.zombies).toHaveLength(0);
});
