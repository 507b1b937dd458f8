import { beforeEach, expect, it } from "vitest";
import type { Effect } from "../../coordinator/core/effects.js";
import { CoreWorld, exited, ready } from "../build.js";

/** A coordinator that is killed between a commit and what follows from it: nothing in it was sent, and all of it is ordered again. */

let world: CoreWorld;
beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  for (const node of ["a", "b"]) world.hello(node);
});

const gang = { nodeCount: 2 };
const lease = (attempt = 1) => `${world.job("j")?.uuid}.${attempt}`;

/** What the node is told when it comes to the coordinator after. */
function afterKill(node: string, held: string[] = []): Array<Effect["kind"]> {
  world.restart();
  const kinds = [...world.hello(node, {}, held).effects, ...world.beat(node, held).effects].map(({ kind }) => kind);
  return kinds.filter((kind) => ["grant-lease", "start-ranks", "stop-lease"].includes(kind));
}

it("a grant", () => {
  world.submit("j", gang);
  expect(afterKill("a")).toEqual(["grant-lease"]);
  expect(world.hello("b").effects).toContainEqual(expect.objectContaining({ kind: "grant-lease" }));
});

it("the start of a gang that is ready", () => {
  world.submit("j", gang);
  world.report("a", lease(), ready);
  world.report("b", lease(), ready);
  expect(afterKill("a", [lease()])).toEqual(["start-ranks"]);
});

it("the stop of the others when one has failed", () => {
  world.submit("j", gang);
  for (const node of ["a", "b"]) world.report(node, lease(), ready);
  world.report("a", lease(), exited(0, 1));
  expect(world.job("j")?.state.kind).toBe("stopping");
  expect(afterKill("b", [lease()])).toEqual(["stop-lease"]);
});

it("the stop of a job that its user terminated, however often the coordinator is killed", () => {
  world.submit("j", gang);
  for (const node of ["a", "b"]) world.report(node, lease(), ready);
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/j" });
  for (let kill = 0; kill < 3; kill++) expect(afterKill("a", [lease()])).toEqual(["stop-lease"]);
});

it("an acknowledgement: the report comes again, changes nothing, and is acknowledged", () => {
  world.submit("j", gang);
  world.report("a", lease(), ready, 1);
  world.restart();
  world.hello("a", {}, [lease()]);
  const before = world.job("j");
  const { effects } = world.report("a", lease(), ready, 1);
  expect(effects).toContainEqual(expect.objectContaining({ kind: "ack-report", sequence: 1n }));
  expect(world.job("j")).toEqual(before);
});
