import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Fault } from "../../shared/fault.js";
import { FakeCoordinator } from "../testing/fake-coordinator.js";
import { FakeWorld } from "../testing/fake-world.js";
import type { Noun } from "../verb.js";

let coordinator: FakeCoordinator | undefined;
afterEach(async () => {
  await coordinator?.[Symbol.asyncDispose]();
  coordinator = undefined;
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

test("an unreachable coordinator: which address, and what to do", async () => {
  const world = new FakeWorld();
  const address = `127.0.0.1:${await closedPort()}`;
  expect(await world.run("node", "list", "--coordinator", address)).toBe(3);
  expect(world.stderr).toBe(
    `stoker: cannot reach the coordinator at ${address} (connect ECONNREFUSED ${address}); start it, or name another with --coordinator, STOKER_COORDINATOR or a profile\n`,
  );
});

test("a wrong token, and none", async () => {
  coordinator = await FakeCoordinator.start({});
  const world = coordinator.world();
  world.environment.STOKER_TOKEN = "wrong";
  expect(await world.run("node", "list")).toBe(3);
  expect(world.stderr).toMatch(
    /^stoker: the coordinator at 127\.0\.0\.1:\d+ refused: the token is not this coordinator's.*\n$/,
  );
  const strange = coordinator.world();
  strange.environment.STOKER_TOKEN = "two words";
  expect(await strange.run("node", "list")).toBe(3);
  expect(strange.stderr).toMatch(/^stoker: STOKER_TOKEN or the profile's token: expected the coordinator's token.*\n$/);
  const without = coordinator.world();
  without.environment.STOKER_TOKEN = undefined;
  without.environment.STOKER_TOKEN_FILE = "/no/such/token";
  expect(await without.run("node", "list")).toBe(3);
  expect(without.stderr).toMatch(/^stoker: token file \/no\/such\/token: there is no such file; copy .*\n$/);
});

test("what is not found, what is refused, and what is in the way have codes of their own", async () => {
  coordinator = await FakeCoordinator.start({
    nodes: {
      getNode: () => {
        throw new Fault("not-found", "there is no node m9");
      },
      drainNode: () => {
        throw new Fault("invalid-argument", "spec.nodeCount: more than there are");
      },
      resumeNode: () => {
        throw new Fault("failed-precondition", "it is lost");
      },
      listNodes: () => {
        throw new Error("a bug");
      },
    },
  });
  const outcomes = [];
  for (const verb of [["show", "m9"], ["drain", "m9"], ["resume", "m9"], ["list"]]) {
    const world = coordinator.world();
    outcomes.push([await world.run("node", ...verb), world.stderr.replace(coordinator.address, "X")]);
  }
  expect(outcomes).toEqual([
    [4, "stoker: there is no node m9\n"],
    [2, "stoker: spec.nodeCount: more than there are\n"],
    [1, "stoker: it is lost\n"],
    [1, "stoker: the coordinator at X: the coordinator failed on this call; its log says why\n"],
  ]);
});

test.each([
  [["job", "show"], /which job\? give its name with -n/],
  [["job", "show", "-n", "j", "-e", "e"], /which workspace\? give it with -w/],
  [["job", "show", "-n", "j", "-w", "w"], /which experiment\? give it with -e/],
  [["job", "show", "-n", "a b", "-w", "w", "-e", "e"], /"a b" is no name for a job/],
  [["job", "create", "-n", "j", "-w", "w", "-e", "e"], /which job\? give its job\.json with -f/],
  [["job", "create", "-n", "j", "-w", "w", "-e", "e", "-f", "/no/such"], /\/no\/such: there is no such file/],
  [["job", "create", "-n", "j", "-w", "w", "-e", "e", "-f", "/"], /is a folder/],
  [["job", "list", "-w", "w", "-e", "e", "--page-size", "x"], /--page-size: expected a whole number, found "x"/],
  [["job", "list", "-w", "w", "-e", "e", "--page-size", "2000"], /--max-results: expected at most 1000/],
  [["job", "logs", "-n", "j", "-w", "w", "-e", "e", "--offset", "5"], /--offset: give the stream too/],
  [["job", "logs", "-n", "j", "--stream", "both"], /both/],
  [["job", "frobnicate"], /unknown command/],
  [["job"], /Usage: stoker job/],
  [["node", "list", "--colour"], /unknown option '--colour'/],
  [["node", "list", "-o", "xml"], /xml/],
  [["node", "list", "--coordinator", "http://x"], /"http:\/\/x" is not the address of a coordinator/],
  [["node", "list", "--profile", "none"], /there is no profile "none"/],
  [["node", "show", "a/b"], /"a\/b" is no name for a node/],
  [["workspace", "create", "-n", "w", "--tag", "x"], /--tag: expected key=value/],
  [["run"], /missing required argument 'command'/],
  [["run", "-n", "2", "--", "true"], /-n: needs --mpi or --torch/],
  [["run", "--mpi", "--torch", "--", "true"], /--mpi and --torch: give one of them/],
  [["run", "-N", "0", "--", "true"], /--nodes: expected 1 or more, found 0/],
  [["run", "--env", "1=2", "--", "true"], /--env: expected NAME=VALUE/],
])("%j is a mistake of usage", async (argv, message) => {
  const world = new FakeWorld();
  world.environment = { STOKER_COORDINATOR: "127.0.0.1:1", STOKER_TLS: "off" };
  expect(await world.run(...argv)).toBe(2);
  expect(world.stderr).toMatch(message);
  expect(world.stdout).toBe("");
});

test.each([
  ["nodeCount: [", /:\d+:\d+ is neither JSON nor YAML/],
  ['{"properties": {"nodeCount": 1}}', /properties: found no toolkit block/],
])("the body %j is refused before anything is sent", async (text, message) => {
  const world = new FakeWorld();
  const file = join(world.configFolder, "job.json");
  writeFileSync(file, text);
  expect(await world.run("job", "create", "-n", "j", "-w", "w", "-e", "e", "-c", "c", "-f", file)).toBe(2);
  expect(world.stderr).toMatch(message);
  expect(world.stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("a folder that can't be written is told in one line", async () => {
  const world = new FakeWorld();
  world.configFolder = "/dev/null/nowhere";
  expect(await world.run("profile", "set", "a", "-w", "lab")).toBe(1);
  expect(world.stderr).toMatch(/^stoker: [^\n]*\/dev\/null\/nowhere[^\n]*\n$/);
});

test("every command has help with an example", async () => {
  const { nouns, topVerbs } = await import("./index.js");
  const lines = [...nouns.flatMap((noun) => linesOf(noun)), ...topVerbs.map(({ name }) => [name])];
  for (const words of lines) {
    const world = new FakeWorld();
    expect(await world.run(...words, "--help")).toBe(0);
    expect(world.stdout).toContain(`Example:\n  stoker ${words.join(" ")}`);
  }
});

const linesOf = ({ name, verbs, nouns = [] }: Noun): string[][] => [
  ...verbs.map((verb) => [name, verb.name]),
  ...nouns.flatMap((noun) => linesOf(noun).map((words) => [name, ...words])),
];
