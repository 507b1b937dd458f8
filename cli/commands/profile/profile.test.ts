import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FakeCoordinator } from "../../testing/fake-coordinator.js";
import { FakeWorld } from "../../testing/fake-world.js";

test("a profile leads to its coordinator, and holds what is meant when nothing is said", async () => {
  await using coordinator = await FakeCoordinator.start({
    clusters: { listClusters: ({ parent }) => ({ clusters: [{ name: parent }] }) },
  });
  const world = new FakeWorld();
  world.stdin = `${FakeCoordinator.token}\n`;
  const set = ["profile", "set", "home", "--coordinator", coordinator.address, "--token-stdin", "-w", "vision"];
  expect(await world.run(...set)).toBe(0);
  expect(await world.run("cluster", "list")).toBe(0);
  expect(world.stdout).toMatch(/^workspaces\/vision/m);
  const path = join(world.configFolder, "config.yaml");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toMatch(/current: home/);
});

test("profiles are listed, shown without their secrets, and changed over", async () => {
  const world = new FakeWorld();
  world.stdin = "secret";
  await world.run("profile", "set", "a", "--coordinator", "a.lab", "--token-stdin", "--storage-account-key", "secret");
  await world.run("profile", "set", "b", "--coordinator", "b.lab:1", "-c", "gpus");
  expect(await world.run("profile", "use", "b")).toBe(0);
  expect(await world.run("profile", "list", "-o", "json")).toBe(0);
  expect(JSON.parse(world.stdout)).toEqual([
    { name: "a", inUse: false, coordinator: "a.lab:7741", token: "(kept)", storageKey: "(kept)" },
    { name: "b", inUse: true, coordinator: "b.lab:1", cluster: "gpus" },
  ]);
  expect(await world.run("profile", "show", "a")).toBe(0);
  expect(world.stdout).not.toMatch(/secret/);
  expect(await world.run("profile", "use", "c")).toBe(2);
  expect(world.stderr).toMatch(/there is no profile "c" in .*\(there: a, b\)/);
});

test("an empty value takes a setting away", async () => {
  const world = new FakeWorld();
  await world.run("profile", "set", "a", "-w", "lab", "-c", "gpus");
  await world.run("profile", "set", "a", "-w", "");
  await world.run("profile", "show", "a", "-o", "json");
  expect(JSON.parse(world.stdout)).toEqual({ cluster: "gpus" });
});

test("what holds now is the environment over the profile", async () => {
  const world = new FakeWorld();
  await world.run("profile", "set", "a", "-w", "lab", "-c", "gpus");
  world.environment = { STOKER_WORKSPACE: "other" };
  await world.run("profile", "show");
  expect(world.stdout).toBe("workspace:  other\ncluster:    gpus\n");
});

test.each([
  ["a: [", /config\.yaml: /],
  ["profiles: 3", /profiles: expected names/],
  ["profiles: {a: {colour: red}}", /profiles\.a\.colour is unknown; there are coordinator/],
])("the broken file %j is told by its path", async (text, message) => {
  const world = new FakeWorld();
  writeFileSync(join(world.configFolder, "config.yaml"), text);
  expect(await world.run("node", "list")).toBe(2);
  expect(world.stderr).toMatch(message);
  expect(world.stderr.trimEnd().split("\n")).toHaveLength(1);
});
