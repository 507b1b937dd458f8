import { afterEach, expect, test } from "vitest";
import { NodeState } from "../shared/gen/stoker/v1/node_pb.js";
import { queried } from "./query.js";
import { FakeCoordinator } from "./testing/fake-coordinator.js";

let coordinator: FakeCoordinator | undefined;
afterEach(() => coordinator?.[Symbol.asyncDispose]());

const json = JSON.stringify([
  { name: "a", count: 2, tags: { x: "1" } },
  { name: "b", count: null },
]);

test.each([
  ["[].name", "tsv", "a\nb\n"],
  ["[?count > `1`].name | [0]", "json", '"a"\n'],
  ["length(@)", "tsv", "2\n"],
  ["[].{n: name, c: count}", "table", "n  c\n-  -\na  2\nb\n"],
  ["[].[name, tags.x]", "tsv", "a\t1\nb\t\n"],
  ["[0].tags", "tsv", "1\n"],
  ["[0].nothing", "tsv", ""],
  ["[0].nothing", "json", "null\n"],
] as const)("%s as %s", async (expression, format, expected) => {
  expect(await queried(json, expression, format)).toBe(expected);
});

test("what is no expression, or no JSON, is the user's mistake", async () => {
  await expect(queried(json, "[", "json")).rejects.toThrow(/^--query: .*jmespath\.org/);
  await expect(queried("lines\n", "x", "json")).rejects.toThrow("this one shows none");
});

test("any command that shows JSON can be asked, in the format that is wanted", async () => {
  const node = { name: "m1", id: "nodes/m1", state: NodeState.IDLE, inventory: { cpus: 4 } };
  coordinator = await FakeCoordinator.start({
    nodes: { listNodes: () => ({ nodes: [node, { ...node, name: "m2" }] }) },
  });
  const world = coordinator.world();
  expect(await world.run("node", "list", "--query", "[?name=='m2'].inventory.cpus", "-o", "tsv")).toBe(0);
  expect(world.stdout).toBe("4\n");
  expect(await world.run("node", "list", "--query", "[")).toBe(2);
  expect(world.stderr).toMatch(/^stoker: --query: /);
});
