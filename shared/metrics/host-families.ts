import type { HostTelemetry } from "../gen/stoker/v1/node_pb.js";
import { counter, type Family, gauge, labels, type Sample } from "./family.js";

/** A machine as it is scraped. */
export interface HostSeen {
  /** That tell it from others; "" on its own agent. */
  readonly labels: string;
  readonly host: HostTelemetry;
}

/** So many disks, interfaces and file servers of a machine are told. */
const partsMax = 16;

/** `prefix`: of the names, such as `stoker_node`. */
export function hostFamilies(prefix: string, hosts: readonly HostSeen[]): Family[] {
  const parts = <T>(
    label: string,
    list: (host: HostTelemetry) => readonly T[],
    nameOf: (part: T) => string,
    read: (part: T) => number | bigint | undefined,
  ): Sample[] => {
    const samples: Sample[] = [];
    for (const { labels: of, host } of hosts) {
      for (const part of list(host).slice(0, partsMax)) {
        const value = read(part);
        if (value === undefined) continue;
        const named = labels({ [label]: nameOf(part) });
        samples.push({ labels: of === "" ? named : `${of},${named}`, value: Number(value) });
      }
    }
    return samples;
  };
  type Disk = HostTelemetry["disks"][number];
  type Interface = HostTelemetry["interfaces"][number];
  type Nfs = HostTelemetry["nfsMounts"][number];
  const disks = (read: (disk: Disk) => bigint) =>
    parts(
      "mount",
      ({ disks: all }) => all,
      ({ mountPoint }) => mountPoint,
      read,
    );
  const interfaces = (read: (each: Interface) => number | bigint | undefined) =>
    parts(
      "interface",
      ({ interfaces: all }) => all,
      ({ name }) => name,
      read,
    );
  const nfs = (read: (mount: Nfs) => number | bigint | undefined) =>
    parts(
      "mount",
      ({ nfsMounts }) => nfsMounts.filter(isLasting),
      ({ mountPoint }) => mountPoint,
      read,
    );
  return [
    gauge(
      `${prefix}_temperature_celsius`,
      "Temperature of the warmest processor",
      hosts.flatMap(({ labels: of, host: { temperatureCelsius: value } }) =>
        value === undefined ? [] : [{ labels: of, value }],
      ),
    ),
    gauge(
      `${prefix}_filesystem_size_bytes`,
      "Size of each file system on own disks",
      disks((disk) => disk.sizeBytes),
    ),
    gauge(
      `${prefix}_filesystem_free_bytes`,
      "Free space for users on each of them",
      disks((disk) => disk.freeBytes),
    ),
    gauge(
      `${prefix}_network_receive_bytes_per_second`,
      "What each network interface received, over ten seconds",
      interfaces((each) => each.receivedBytesPerSecond),
    ),
    gauge(
      `${prefix}_network_send_bytes_per_second`,
      "What each network interface sent, over ten seconds",
      interfaces((each) => each.sentBytesPerSecond),
    ),
    gauge(
      `${prefix}_network_link_bytes_per_second`,
      "Speed of the link of each network interface",
      interfaces(({ linkMbps }) => (linkMbps === undefined ? undefined : linkMbps * 125_000n)),
    ),
    counter(
      `${prefix}_network_errors_total`,
      "Errors and drops of each network interface since the machine was started",
      interfaces((each) => each.errors),
    ),
    gauge(
      `${prefix}_nfs_operations_per_second`,
      "Operations on each NFS mount, over ten seconds",
      nfs((mount) => mount.operationsPerSecond),
    ),
    gauge(
      `${prefix}_nfs_round_trip_seconds`,
      "Time from a request to the answer of the file server, for each NFS mount that was used",
      nfs(({ roundTripMs }) => (roundTripMs === undefined ? undefined : roundTripMs / 1_000)),
    ),
    gauge(
      `${prefix}_nfs_execution_seconds`,
      "The same with the time that requests wait on this machine",
      nfs(({ executionMs }) => (executionMs === undefined ? undefined : executionMs / 1_000)),
    ),
    counter(
      `${prefix}_nfs_retransmissions_total`,
      "Requests to each NFS mount's server that had to be sent again",
      nfs((mount) => mount.retransmissions),
    ),
  ];
}

/** Volumes of single jobs come and go: as labels they would never end. */
const isLasting = ({ mountPoint }: { mountPoint: string }) => !mountPoint.includes("/job-mounts/");
