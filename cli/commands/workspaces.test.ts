import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Fault } from "../../shared/fault.js";
import { ProvisioningState } from "../../shared/gen/stoker/v1/provisioning_pb.js";
import { type Answers, FakeCoordinator } from "../testing/fake-coordinator.js";
import type { FakeWorld } from "../testing/fake-world.js";

let coordinator: FakeCoordinator;
afterEach(() => coordinator[Symbol.asyncDispose]());

async function given(answers: Answers): Promise<FakeWorld> {
  coordinator = await FakeCoordinator.start(answers);
  return coordinator.world();
}

const usages = [
  { unit: "Count", currentValue: 2n, limit: 3n, name: { value: "Clusters", localizedValue: "Clusters" } },
  { unit: "Count", currentValue: 4n, name: { value: "GPUs", localizedValue: "GPUs of running jobs" } },
];

describe("workspace update", () => {
  test("sends what is to change, and shows what came of it", async () => {
    const asked: unknown[] = [];
    const world = await given({
      workspaces: {
        updateWorkspace: ({ id, tags, removedTags, keepOthers }) => {
          asked.push({ id, tags, removedTags, keepOthers });
          return {
            workspace: { name: "lab", tags, provisioningState: ProvisioningState.SUCCEEDED, quota: { gpus: 8 } },
          };
        },
      },
    });
    expect(await world.run("workspace", "update", "-n", "lab", "--tag", "a=b", "--remove-tag", "c")).toBe(0);
    expect(await world.run("workspace", "update", "lab", "--replace")).toBe(0);
    const id = "workspaces/lab";
    expect(asked).toEqual([
      { id, tags: { a: "b" }, removedTags: ["c"], keepOthers: true },
      { id, tags: {}, removedTags: [], keepOthers: false },
    ]);
    expect(world.stdout).toMatch(/^Tags: +a=b$/m);
    expect(world.stdout).toMatch(/^Quota: +8 GPUs$/m);
  });

  test("without a change is a mistake", async () => {
    const world = await given({});
    expect(await world.run("workspace", "update", "-n", "lab")).toBe(2);
    expect(world.stderr).toMatch(/give --tag, --remove-tag or --replace/);
    expect(await world.run("workspace", "update", "-n", "lab", "--tag", "x")).toBe(2);
    expect(await world.run("workspace", "update", "-n", "lab", "--replace", "--remove-tag", "x")).toBe(2);
  });
});

describe("quotas and usage", () => {
  test("quota set changes the limits that are named, and keeps the others", async () => {
    const asked: unknown[] = [];
    const world = await given({
      workspaces: {
        getWorkspace: () => ({ workspace: { name: "lab", quota: { nodes: 4, gpus: 8 } } }),
        setWorkspaceQuota: ({ id, quota }) => {
          asked.push([id, quota?.clusters, quota?.nodes, quota?.gpus, quota?.runningJobs]);
          return { workspace: { name: "lab" } };
        },
        listUsages: () => ({ usages }),
      },
    });
    expect(await world.run("workspace", "quota", "set", "-n", "lab", "--gpus", "none", "--running-jobs", "0")).toBe(0);
    expect(asked).toEqual([["workspaces/lab", undefined, 4, undefined, 0]]);
    expect(world.stdout).toBe(
      "Value                 Usage  Limit\n--------------------  -----  -----\nClusters              2      3\nGPUs of running jobs  4      none\n",
    );
    expect(await world.run("workspace", "quota", "set", "-n", "lab")).toBe(2);
    expect(await world.run("workspace", "quota", "set", "-n", "lab", "--nodes", "many")).toBe(2);
    expect(world.stderr).toMatch(/--nodes: expected a whole number or none/);
  });

  test("of one workspace, or of all machines, as table and as JSON", async () => {
    const asked: string[] = [];
    const world = await given({
      workspaces: {
        listUsages: ({ parent }) => {
          asked.push(parent);
          return { usages };
        },
      },
    });
    for (const words of [
      ["workspace", "usage", "-n", "one"],
      ["workspace", "usage"],
      ["workspace", "quota", "show", "one"],
      ["list-usages", "-w", "one", "-l", "eastus"],
      ["usage", "show"],
      ["list-usages", "-o", "json"],
    ]) {
      expect(await world.run(...words)).toBe(0);
    }
    expect(asked).toEqual(["workspaces/one", "workspaces/lab", "workspaces/one", "workspaces/one", "", ""]);
    expect(JSON.parse(world.stdout.slice(world.stdout.indexOf("[\n")))).toEqual([
      { unit: "Count", currentValue: 2, limit: 3, name: { value: "Clusters", localizedValue: "Clusters" } },
      { unit: "Count", currentValue: 4, name: { value: "GPUs", localizedValue: "GPUs of running jobs" } },
    ]);
  });
});

describe("secrets", () => {
  const values: string[] = [];
  const answers: Answers = {
    secrets: {
      setSecret: ({ parent, name, value }) => {
        values.push(value);
        return { secret: { id: `${parent}/secrets/${name}`, name } };
      },
      listSecrets: () => ({ secrets: [{ id: "workspaces/lab/secrets/key", name: "key" }] }),
      deleteSecret: ({ id }) => {
        if (id !== "workspaces/lab/secrets/key") throw new Fault("not-found", id);
        return {};
      },
    },
  };

  test("come from a file, from stdin or from who is asked, and are never shown", async () => {
    values.length = 0;
    const world = await given(answers);
    const file = join(world.configFolder, "value.txt");
    writeFileSync(file, "of-a-file\n");
    world.stdin = "of-stdin\r\n";
    expect(await world.run("secret", "set", "key", "--from-file", file)).toBe(0);
    expect(await world.run("secret", "set", "key", "--from-file", file, "--exact")).toBe(0);
    expect(await world.run("secret", "set", "-n", "key")).toBe(0);
    world.isInteractive = true;
    world.answers = ["typed"];
    expect(await world.run("secret", "set", "key", "-w", "lab")).toBe(0);
    expect(world.questions).toEqual(["Value of key: "]);
    expect(values).toEqual(["of-a-file", "of-a-file\n", "of-stdin", "typed"]);
    for (const value of values) expect(world.stdout + world.stderr).not.toContain(value.trim());
    // A value among the words would be in the list of processes.
    expect(await world.run("secret", "set", "key", "value")).toBe(2);
  });

  test("that are nothing, or no text, are mistakes", async () => {
    const world = await given(answers);
    const file = join(world.configFolder, "value");
    writeFileSync(file, Buffer.from([0xff, 0xfe]));
    expect(await world.run("secret", "set", "key", "--from-file", file)).toBe(2);
    expect(world.stderr).toMatch(/is not UTF-8 text/);
    expect(await world.run("secret", "set", "key", "--from-file", join(world.configFolder, "none"))).toBe(2);
    expect(await world.run("secret", "set", "key")).toBe(2);
    expect(await world.run("secret", "set", "a b")).toBe(2);
  });

  test("are listed by name, and deleted when that is confirmed", async () => {
    const world = await given(answers);
    expect(await world.run("secret", "list")).toBe(0);
    expect(world.stdout).toMatch(/^key +lab/m);
    expect(await world.run("secret", "delete", "key")).toBe(2);
    expect(await world.run("secret", "delete", "key", "-y")).toBe(0);
    expect(await world.run("secret", "delete", "other", "-y")).toBe(4);
  });
});

test("machine classes are listed, and names mapped to them and forgotten", async () => {
  const asked: string[][] = [];
  const world = await given({
    machineClasses: {
      listMachineClasses: ({ pageSize, pageToken }) => {
        asked.push([String(pageSize), pageToken]);
        const row = { name: "1x-k80", aliases: ["STANDARD_NC6"], nodeCount: 2, freeNodeCount: 1, cpus: 6, gpus: 1 };
        return { machineClasses: [row], nextPageToken: pageToken === "" ? "more" : "" };
      },
      setMachineClassAlias: ({ alias, machineClass }) => {
        asked.push([alias, machineClass]);
        return { machineClass: { name: machineClass, aliases: [alias] } };
      },
      deleteMachineClassAlias: ({ alias }) => {
        asked.push([alias]);
        return {};
      },
    },
  });
  expect(await world.run("node", "class", "list", "--max-results", "1")).toBe(0);
  expect(world.stdout).toMatch(/^1x-k80 +2 +1 +6 +1 +STANDARD_NC6$/m);
  expect(world.stderr).toMatch(/--page-token more/);
  expect(await world.run("node", "class", "list", "--max-results", "1", "--all")).toBe(0);
  expect(await world.run("node", "class", "map", "STANDARD_NC6", "2x-k80")).toBe(0);
  expect(world.stderr).toMatch(/no enrolled machine is of class 2x-k80 now/);
  expect(await world.run("node", "class", "unmap", "STANDARD_NC6")).toBe(0);
  expect(await world.run("node", "class", "map", "STANDARD_NC6")).toBe(2);
  expect(asked).toEqual([["1", ""], ["1", ""], ["1", "more"], ["STANDARD_NC6", "2x-k80"], ["STANDARD_NC6"]]);
});

test("a full id, Azure's own too, is taken wherever a name is", async () => {
  const asked: string[] = [];
  const world = await given({
    clusters: {
      getCluster: ({ id }) => {
        asked.push(id);
        return { cluster: { name: "c", id } };
      },
      listClusters: ({ parent }) => {
        asked.push(parent);
        return {};
      },
    },
  });
  const own = "workspaces/other/clusters/c";
  const azure = `/subscriptions/s/resourceGroups/g/providers/Microsoft.BatchAI/${own}`;
  expect(await world.run("cluster", "show", "-n", own)).toBe(0);
  expect(await world.run("cluster", "show", "-n", azure)).toBe(0);
  expect(await world.run("cluster", "list", "-w", azure.replace("/clusters/c", ""))).toBe(0);
  expect(asked).toEqual([own, azure, azure.replace("/clusters/c", "")]);
});
