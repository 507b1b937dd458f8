import { attempt, command } from "./command.js";
import { addressOf, handAddress, labName, numberOf } from "./settings.js";

const switchSpace = `${labName}-switch`;

/** The network namespace of a place that runs on the host's kernel. */
export const spaceOf = (place: string) => `${labName}-${place}`;

export const macOf = (place: string) => `02:53:54:4b:00:${numberOf(place).toString(16).padStart(2, "0")}`;

/**
 * Partitions drop what is forwarded between ports. The lab's own hand is the switch itself, so that `exec` reaches a machine of the full
 * tier through a partition as well.
 */
const filter = `
table bridge lab {
  set parted { type ifname; }
  set pairs { type ipv4_addr . ipv4_addr; }
  chain forward {
    type filter hook forward priority 0;
    iifname @parted drop
    oifname @parted drop
    ip saddr . ip daddr @pairs drop
  }
}
`;

const inSwitch = (...words: string[]) => command(["ip", "netns", "exec", switchSpace, ...words]);

/** The argv of a program of the host, run at a place of the lab's network. */
export const atPlace = (place: string, argv: string[]) => ["ip", "netns", "exec", spaceOf(place), ...argv];
export const atSwitch = (argv: string[]) => ["ip", "netns", "exec", switchSpace, ...argv];

export async function raiseSwitch(): Promise<void> {
  if ((await spaces()).includes(switchSpace)) return;
  await command(["ip", "netns", "add", switchSpace]);
  await inSwitch("ip", "link", "set", "lo", "up");
  await inSwitch("ip", "link", "add", "switch", "type", "bridge");
  await inSwitch("ip", "addr", "add", `${handAddress}/24`, "dev", "switch");
  await inSwitch("ip", "link", "set", "switch", "up");
  await command(atSwitch(["nft", "-f", "-"]), { input: filter });
}

/** A namespace with an address of its own and a cable to the switch. */
export async function plugSpace(place: string): Promise<void> {
  const space = spaceOf(place);
  if ((await spaces()).includes(space)) return;
  await command(["ip", "netns", "add", space]);
  await inSwitch(
    "ip",
    "link",
    "add",
    place,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "address",
    macOf(place),
    "netns",
    space,
  );
  await inSwitch("ip", "link", "set", place, "master", "switch", "up");
  for (const words of [
    ["link", "set", "lo", "up"],
    ["addr", "add", `${addressOf(place)}/24`, "dev", "eth0"],
    ["link", "set", "eth0", "up"],
  ]) {
    await command(["ip", "-n", space, ...words]);
  }
}

/** A cable that a kernel of its own holds the other end of. */
export async function plugTap(place: string): Promise<void> {
  await unplug(place);
  await inSwitch("ip", "tuntap", "add", place, "mode", "tap", "user", "0");
  await inSwitch("ip", "link", "set", place, "master", "switch", "up");
}

/** Silent at once: what ends behind it afterwards can say no farewell. */
export async function unplug(place: string): Promise<void> {
  await attempt(["ip", "-n", switchSpace, "link", "del", place]);
  await attempt(["ip", "netns", "del", spaceOf(place)]);
}

/** Cuts a place off from all others, or from one. Its link still looks up. */
export const part = (place: string, other?: string) => change("add", place, other);
export const join = (place: string, other?: string) => change("delete", place, other);

/** What one place sends to another does not arrive; the other way it does. */
export const partOneWay = (from: string, to: string) => oneWay("add", from, to);
export const joinOneWay = (from: string, to: string) => oneWay("delete", from, to);

const oneWay = (verb: "add" | "delete", from: string, to: string) =>
  inSwitch("nft", verb, "element", "bridge", "lab", "pairs", `{ ${addressOf(from)} . ${addressOf(to)} }`);

async function change(verb: "add" | "delete", place: string, other: string | undefined): Promise<void> {
  const [a, b] = [addressOf(place), addressOf(other ?? place)];
  const [set, elements] = other === undefined ? ["parted", `"${place}"`] : ["pairs", `${a} . ${b}, ${b} . ${a}`];
  await inSwitch("nft", verb, "element", "bridge", "lab", set, `{ ${elements} }`);
}

export async function razeSwitch(): Promise<void> {
  for (const space of await spaces()) {
    if (space.startsWith(`${labName}-`) && /-(m\d+|control|filer|switch)$/.test(space))
      await command(["ip", "netns", "del", space]);
  }
}

async function spaces(): Promise<string[]> {
  const listed = await command(["ip", "netns", "list"]);
  return listed.split("\n").flatMap((line) => line.split(" ")[0] || []);
}
