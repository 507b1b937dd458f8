import type { ClusterSpec, ImageReference } from "../../shared/gen/stoker/v1/cluster_pb.js";
import type { World } from "./memory.js";
import type { Instant, Node, NodeInventory } from "./state.js";

/** Another name for a machine class, such as STANDARD_NC6. Those of the settings are defaults. */
export interface MachineClassAlias {
  /** In lower case. */
  readonly alias: string;
  /** As it was written. */
  readonly name: string;
  readonly machineClass: string;
  readonly createdAt: Instant;
}

/** Name as written and class, by alias in lower case. */
export function aliasesOf(world: World): Map<string, { name: string; machineClass: string }> {
  const aliases = new Map<string, { name: string; machineClass: string }>();
  for (const [name, machineClass] of Object.entries(world.settings.machineClasses)) {
    aliases.set(name.toLowerCase(), { name, machineClass });
  }
  for (const { alias, name, machineClass } of world.machineClassAliases.values()) {
    aliases.set(alias, { name, machineClass });
  }
  return aliases;
}

/** The machine may serve a cluster that asks for this: its class, and its system. */
export function machineFits(world: World, spec: ClusterSpec, inventory: NodeInventory): boolean {
  return isOfClass(world, spec.vmSize, inventory) && wantedSystem(spec) === systemOf(inventory);
}

export function isOfClass(world: World, vmSize: string, inventory: NodeInventory): boolean {
  const wanted = vmSize.trim().toLowerCase();
  if (wanted === "any") return true;
  const machine = inventory.machineClass.toLowerCase();
  return wanted === machine || classOfAlias(world, wanted)?.toLowerCase() === machine;
}

function classOfAlias(world: World, wanted: string): string | undefined {
  const own = world.machineClassAliases.get(wanted);
  if (own) return own.machineClass;
  const given = Object.entries(world.settings.machineClasses).find(([name]) => name.toLowerCase() === wanted);
  return given?.[1];
}

type System = "linux" | "windows";

const isWindows = (text: string) => /windows/i.test(text);

/**
 * What a real file names (Ubuntu 16.04, the data science image, an image of one's own) is a Linux that no machine of today has: the family of
 * the system must match, and no more.
 */
export function wantedSystem({ virtualMachineConfiguration }: ClusterSpec): System {
  const {
    publisher = "",
    offer = "",
    sku = "",
  }: Partial<ImageReference> = virtualMachineConfiguration?.imageReference ?? {};
  return [publisher, offer, sku].some(isWindows) ? "windows" : "linux";
}

export const systemOf = ({ os }: NodeInventory): System => (isWindows(os) ? "windows" : "linux");

/** Why no machine fits, when none does: for the cluster's shortage. */
export function misfit(world: World, spec: ClusterSpec): string | undefined {
  const nodes = [...world.nodes.values()];
  if (nodes.some(({ inventory }) => machineFits(world, spec, inventory))) return undefined;
  if (nodes.length === 0) return `no enrolled machine is of class ${spec.vmSize} (no machine is enrolled yet)`;
  if (nodes.some(({ inventory }) => isOfClass(world, spec.vmSize, inventory))) {
    return `no enrolled machine of class ${spec.vmSize} runs ${wantedSystem(spec)}, which its imageReference asks for`;
  }
  const classes = [...new Set(nodes.map(({ inventory }) => inventory.machineClass))];
  const help = `\`stoker node class map ${spec.vmSize} ${classes[0]}\` would make it mean that class`;
  return `no enrolled machine is of class ${spec.vmSize} (enrolled machines are of class ${classes.join(", ")}); ${help}`;
}

export interface MachineClass {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly nodes: readonly Node[];
}

/** Those of enrolled machines, and those that only aliases name. */
export function machineClassesOf(world: World): MachineClass[] {
  const nodes = new Map<string, Node[]>();
  const names = new Map<string, string>();
  const add = (name: string) => {
    const key = name.toLowerCase();
    names.set(key, names.get(key) ?? name);
    nodes.set(key, nodes.get(key) ?? []);
    return nodes.get(key) ?? [];
  };
  for (const node of world.nodes.values()) add(node.inventory.machineClass).push(node);
  const aliases = [...aliasesOf(world).values()];
  for (const { machineClass } of aliases) add(machineClass);
  return [...nodes].map(([key, members]) => ({
    name: names.get(key) ?? key,
    aliases: aliases.filter(({ machineClass }) => machineClass.toLowerCase() === key).map(({ name }) => name),
    nodes: members,
  }));
}
