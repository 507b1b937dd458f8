import { describe, expect, it } from "vitest";
import { machineClassesOf } from "../../coordinator/core/machine-class.js";
import { allocationOf } from "../../coordinator/core/scaling/allocation.js";
import { defaultSettings } from "../../coordinator/core/settings.js";
import { CoreWorld } from "../build.js";

const target = { scaleSettings: { manual: { targetNodeCount: 1 } } };

function lab(machineClasses: Record<string, string> = {}): CoreWorld {
  const world = new CoreWorld({ ...defaultSettings, machineClasses });
  world.workspace();
  world.hello("k", { machineClass: "1x-tesla-k80", gpus: 1 });
  world.hello("p", { machineClass: "4x-tesla-p100", gpus: 4 });
  return world;
}

const map = (world: CoreWorld, alias: string, machineClass: string) =>
  world.send({ kind: "machine-class-map", alias, machineClass });
const membersOf = (world: CoreWorld) =>
  [...world.state.nodes.values()].filter(({ cluster }) => cluster !== undefined).map(({ name }) => name);

function shortage(world: CoreWorld): string {
  const [cluster] = world.state.clusters.values();
  return cluster ? allocationOf(world.state, cluster).shortage : "";
}

describe("an alias of a machine class", () => {
  it("stands for it in any letter case, from the next moment on and after a restart", () => {
    const world = lab();
    world.cluster("c", { vmSize: "Standard_NC6", ...target });
    expect(membersOf(world)).toEqual([]);
    expect(shortage(world)).toMatch(
      /no enrolled machine is of class Standard_NC6 \(enrolled machines are of class 1x-tesla-k80, 4x-tesla-p100\); `stoker node class map Standard_NC6 1x-tesla-k80`/,
    );
    map(world, "STANDARD_NC6", "1X-Tesla-K80");
    expect(membersOf(world)).toEqual(["k"]);
    world.restart();
    world.hello("k", { machineClass: "1x-tesla-k80", gpus: 1 });
    expect(membersOf(world)).toEqual(["k"]);
    expect(machineClassesOf(world.state).map(({ name, aliases }) => [name, aliases])).toEqual([
      ["1x-tesla-k80", ["STANDARD_NC6"]],
      ["4x-tesla-p100", []],
    ]);
  });

  it("wins over one of the settings, which comes back when it goes", () => {
    const world = lab({ standard_nc6: "1x-tesla-k80" });
    map(world, "Standard_NC6", "4x-tesla-p100");
    world.cluster("c", { vmSize: "STANDARD_NC6", ...target });
    expect(membersOf(world)).toEqual(["p"]);
    world.send({ kind: "machine-class-unmap", alias: "standard_NC6" });
    expect(machineClassesOf(world.state)[0]).toMatchObject({ name: "1x-tesla-k80", aliases: ["standard_nc6"] });
    const unmap = (alias: string) => () => world.send({ kind: "machine-class-unmap", alias });
    expect(unmap("standard_nc6")).toThrow(/of the coordinator's own settings/);
    expect(unmap("nothing")).toThrow(/stoker node class list/);
    expect(() => map(world, "any", "x")).toThrow(/every machine/);
  });
});

describe("the system that a cluster's image asks for", () => {
  const image = (publisher: string, offer: string, sku: string) => ({
    virtualMachineConfiguration: { imageReference: { publisher, offer, sku } },
  });

  it.each([
    ["Canonical", "UbuntuServer", "16.04-LTS"],
    ["microsoft-ads", "linux-data-science-vm-ubuntu", "linuxdsvmubuntu"],
    ["microsoft-dsvm", "ubuntu-1804", "1804-gen2"],
  ])("is any Linux for %s %s %s", (...words) => {
    const world = lab();
    world.cluster("c", { vmSize: "any", ...target, ...image(...words) });
    expect(membersOf(world)).toHaveLength(1);
  });

  it("is never met by a machine of another family", () => {
    const world = lab();
    world.cluster("c", { vmSize: "any", ...target, ...image("MicrosoftWindowsServer", "WindowsServer", "2016") });
    expect(membersOf(world)).toEqual([]);
    expect(shortage(world)).toMatch(/no enrolled machine of class any runs windows, which its imageReference asks for/);
  });
});
