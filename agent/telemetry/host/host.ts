import { readdir, readFile, statfs } from "node:fs/promises";
import type { Sample, Source } from "../source.js";
import { localMountPoints } from "./mounts.js";
import { type Counters, linkMbps, parseInterfaces, ratesOf } from "./network.js";
import { latenciesOf, type NfsCounters, parseMountstats } from "./nfs.js";
import { temperature } from "./temperature.js";

interface Look {
  at: number;
  interfaces: Counters[];
  nfs: NfsCounters[];
}

const everyMs = 10_000;

/** Disks, network, file servers, temperature: what changes slowly. Nothing here touches a file system that may hang. */
export function host(): Source {
  let before: Look | undefined;
  return {
    name: "host",
    everyMs,
    async sample(): Promise<Sample> {
      const [interfaces, nfs, disks, celsius] = await Promise.all([look(), mountstats(), freeSpace(), temperature()]);
      const now = { at: performance.now(), interfaces, nfs };
      const tookMs = before ? now.at - before.at : 0;
      const rates = ratesOf(before?.interfaces ?? [], interfaces, tookMs);
      const latencies = latenciesOf(before?.nfs ?? [], nfs, tookMs);
      before = now;
      return {
        host: {
          ...(celsius === undefined ? {} : { temperatureCelsius: celsius }),
          disks,
          interfaces: await Promise.all(rates.map(withSpeed)),
          nfsMounts: latencies.map((each) => ({ ...each, retransmissions: BigInt(each.retransmissions) })),
        },
      };
    },
  };
}

async function look(): Promise<Counters[]> {
  const ethernet = parseInterfaces((await textOf("/proc/net/dev")) ?? "");
  return [...ethernet, ...(await infiniband())].slice(0, 16);
}

const adapters = "/sys/class/infiniband";
/** The kernel counts in words of four bytes there. */
const wordBytes = 4;

async function infiniband(): Promise<Counters[]> {
  const names = (await readdir(adapters).catch(nothing)) ?? [];
  const read = names.slice(0, 16).map(async (name): Promise<Counters[]> => {
    const of = async (counter: string) => Number(await textOf(`${adapters}/${name}/ports/1/counters/${counter}`));
    const [received, sent, errors] = await Promise.all([
      of("port_rcv_data"),
      of("port_xmit_data"),
      of("port_rcv_errors"),
    ]);
    if (!(received >= 0 && sent >= 0)) return [];
    return [
      {
        name,
        receivedBytes: received * wordBytes,
        sentBytes: sent * wordBytes,
        errors: Number.isFinite(errors) ? errors : 0,
      },
    ];
  });
  return (await Promise.all(read)).flat();
}

async function withSpeed({ errors, ...rates }: ReturnType<typeof ratesOf>[number]) {
  const { name } = rates;
  const text =
    (await textOf(`/sys/class/net/${name}/speed`)) ?? (await textOf(`${adapters}/${name}/ports/1/rate`)) ?? "";
  const mbps = linkMbps(text);
  return { ...rates, errors: BigInt(errors), ...(mbps === undefined ? {} : { linkMbps: BigInt(mbps) }) };
}

const mountstats = async () => parseMountstats((await textOf("/proc/self/mountstats")) ?? "");

async function freeSpace() {
  const points = localMountPoints((await textOf("/proc/self/mounts")) ?? "");
  const disks = points.map(async (mountPoint) => {
    const found = await statfs(mountPoint).catch(nothing);
    if (!found) return [];
    const bytes = (blocks: number) => BigInt(blocks) * BigInt(found.bsize);
    return [{ mountPoint, sizeBytes: bytes(found.blocks), freeBytes: bytes(found.bavail) }];
  });
  return (await Promise.all(disks)).flat();
}

const textOf = (path: string) => readFile(path, "utf8").catch(nothing);

/** Not on this machine, or gone meanwhile: left out. */
function nothing(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error)) throw error;
  return undefined;
}
