/** What went through one interface since the machine was started. */
export interface Counters {
  name: string;
  receivedBytes: number;
  sentBytes: number;
  /** And drops, both ways. */
  errors: number;
}

const interfacesMax = 16;
/** Bridges and what containers have: their bytes go through a real one, too. */
const inner = /^(?:lo|veth|docker|br-|virbr|cni|flannel|cali|tap|tun|ifb|dummy|podman|vxlan)/;

/** Pure. /proc/net/dev; lines of another form are passed over. */
export function parseInterfaces(dev: string): Counters[] {
  return dev
    .split("\n")
    .flatMap((line) => {
      const [, name = "", rest = ""] = /^\s*([^\s:]+):\s*(.+)$/.exec(line) ?? [];
      const numbers = rest.trim().split(/\s+/).map(Number);
      const [received, , rxErrors, rxDrops] = numbers;
      const [sent, , txErrors, txDrops] = numbers.slice(8);
      if (name === "" || inner.test(name) || numbers.length < 12 || numbers.some((count) => !(count >= 0))) return [];
      const errors = (rxErrors ?? 0) + (rxDrops ?? 0) + (txErrors ?? 0) + (txDrops ?? 0);
      return { name, receivedBytes: received ?? 0, sentBytes: sent ?? 0, errors };
    })
    .slice(0, interfacesMax);
}

export interface Rates {
  name: string;
  receivedBytesPerSecond: number;
  sentBytesPerSecond: number;
  errors: number;
}

/** Of those that were there at both looks. Counters that began again say nothing. */
export function ratesOf(before: readonly Counters[], after: readonly Counters[], tookMs: number): Rates[] {
  return after.flatMap(({ name, receivedBytes, sentBytes, errors }) => {
    const was = before.find((each) => each.name === name);
    const received = receivedBytes - (was?.receivedBytes ?? Number.POSITIVE_INFINITY);
    const sent = sentBytes - (was?.sentBytes ?? Number.POSITIVE_INFINITY);
    if (!(received >= 0 && sent >= 0 && tookMs > 0)) return [];
    const perSecond = (bytes: number) => Math.round((bytes * 1_000) / tookMs);
    return { name, receivedBytesPerSecond: perSecond(received), sentBytesPerSecond: perSecond(sent), errors };
  });
}

/** `200 Gb/sec (4X HDR)`, or a number of Mbit/s. Undefined while there is no link. */
export function linkMbps(text: string): number | undefined {
  const gigabits = /^(\d+(?:\.\d+)?) Gb\/sec/.exec(text.trim())?.[1];
  const mbps = gigabits === undefined ? Number(text.trim() || Number.NaN) : Number(gigabits) * 1_000;
  return mbps > 0 && mbps < 10_000_000 ? Math.round(mbps) : undefined;
}
