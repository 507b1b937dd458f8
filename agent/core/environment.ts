import type { LeaseGrant, RankPlan } from "../../shared/gen/stoker/v1/lease_pb.js";
import { expand, expandInOrder } from "./expand.js";

/** What only this node knows; the rest of an environment comes with the grant. */
export interface NodePlaces {
  /** What every job's process has, such as PATH, HOME, USER, LANG: never the agent's own environment. */
  base: Readonly<Record<string, string>>;
  /** $AZ_BATCHAI_MOUNT_ROOT */
  mountRoot: string;
  /** Holds each job's mount root under its path segment. */
  jobMountsRoot: string;
  /** $AZ_BATCHAI_JOB_TEMP_DIR: holds each job's temp under its path segment. */
  jobsRoot: string;
  /** Holds the host files, one a lease. */
  spoolRoot: string;
  socket: string;
  /** Absolute path of the launcher that stands for ssh. */
  rsh: string;
  /** Folder of programs that stand before the machine's own on a job's PATH. */
  commands: string;
  /** What its processes show at a socket that all accounts may open. */
  pass?: string;
}

/** What containers see of the agent, at the same paths on every machine. */
export const inContainers = {
  folder: "/run/stoker",
  commands: "/run/stoker/bin",
  shim: "/run/stoker/bin/stoker-shim",
  rsh: "/run/stoker/bin/stoker-rsh",
  socket: "/run/stoker/agent.sock",
  openSocket: "/run/stoker/ranks.sock",
} as const;

const rootOfContainer = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  SHELL: "/bin/bash",
};

/** Of a lease whose processes are an account's: `variables` say who it is, `socket` is for all accounts. */
export const placesOfAccount = (
  places: NodePlaces,
  { variables, pass, socket }: { variables: Readonly<Record<string, string>>; pass: string; socket: string },
): NodePlaces => ({ ...places, base: { ...places.base, ...variables }, socket, pass });

/** `environment`: what the image gives its processes, instead of the machine's. */
export function placesInside(places: NodePlaces, environment: Readonly<Record<string, string>>): NodePlaces {
  const { socket, rsh, commands } = inContainers;
  return { ...places, base: { ...rootOfContainer, ...environment }, socket, rsh, commands };
}

export const jobTempOf = (grant: LeaseGrant, places: NodePlaces) => `${places.jobsRoot}/${grant.jobPathSegment}`;
export const jobMountRootOf = (grant: LeaseGrant, places: NodePlaces) =>
  `${places.jobMountsRoot}/${grant.jobPathSegment}`;
export const spoolOf = (lease: string, places: NodePlaces) => `${places.spoolRoot}/${lease}`;
export const hostFileOf = (grant: LeaseGrant, places: NodePlaces) => `${spoolOf(grant.leaseId, places)}/hostfile`;

/** Many steps of a lease ask for it, and neither of what it is made from changes. */
const made = new WeakMap<LeaseGrant, { places: NodePlaces; environment: Readonly<Record<string, string>> }>();

/** The environment of everything that runs under the lease on this node. */
export function environmentOf(grant: LeaseGrant, places: NodePlaces): Readonly<Record<string, string>> {
  const before = made.get(grant);
  if (before?.places === places) return before.environment;
  const environment = makeEnvironment(grant, places);
  made.set(grant, { places, environment });
  return environment;
}

function makeEnvironment(grant: LeaseGrant, places: NodePlaces): Record<string, string> {
  const own: Record<string, string> = {
    ...places.base,
    PATH: [places.commands, places.base.PATH].filter(Boolean).join(":"),
    AZ_BATCHAI_MOUNT_ROOT: places.mountRoot,
    AZ_BATCHAI_JOB_MOUNT_ROOT: jobMountRootOf(grant, places),
    AZ_BATCHAI_JOB_TEMP: jobTempOf(grant, places),
    AZ_BATCHAI_JOB_TEMP_DIR: places.jobsRoot,
    AZ_BATCHAI_MPI_HOST_FILE: hostFileOf(grant, places),
    // What was not granted is not shown either.
    CUDA_VISIBLE_DEVICES: grant.gpuUuids.join(","),
  };
  const launchers = ours(grant, places);
  const expanded = expandInOrder({ ...own, ...launchers }, grant.environment);
  const secrets = Object.fromEntries(grant.secrets.map(({ name, value }) => [name, value]));
  return { ...expanded, ...secrets, ...launchers };
}

/** The same with the rank's own variables after them. */
export function rankEnvironmentOf(
  environment: Readonly<Record<string, string>>,
  rank: RankPlan,
  grant: LeaseGrant,
  places: NodePlaces,
): Record<string, string> {
  return { ...expandInOrder(environment, rank.environment), ...ours(grant, places) };
}

/** Not for the user to change: STOKER_LEASE is how every process of an attempt is found again. */
const ours = (grant: LeaseGrant, places: NodePlaces) => ({
  STOKER_LEASE: grant.leaseId,
  STOKER_SOCKET: places.socket,
  STOKER_RSH: places.rsh,
  ...(places.pass === undefined ? {} : { STOKER_PASS: places.pass }),
  // For the `ssh` among the commands.
  STOKER_HOSTS: [...new Set(grant.nodes.flatMap(({ name, host }) => [host, name]))].join(","),
});

/** When a coordinator older than the limit does not say. */
const logLimitBytes = 10n * 2n ** 30n;

/** The shim counts what its process writes against this, whoever has asked for the process. */
export const withLogLimit = (environment: Readonly<Record<string, string>>, grant: LeaseGrant) => ({
  ...environment,
  STOKER_LOG_LIMIT_BYTES: String(grant.logLimitBytes > 0n ? grant.logLimitBytes : logLimitBytes),
});

/** Directories to be made before preparation, as absolute paths: relative ones are in the job's temp. */
export function directoriesOf(
  grant: LeaseGrant,
  environment: Readonly<Record<string, string>>,
  temp: string,
): string[] {
  const all = grant.stdDirectory === "" ? grant.directories : [...grant.directories, grant.stdDirectory];
  const paths = all.map((path) => absolute(expand(path, environment), temp)).filter((path) => path !== "/");
  return [...new Set(paths)];
}

/** Throws the Fault of whatever can't be expanded: everything that is expanded later, so that nothing throws in the middle of it. */
export function checkExpansion(grant: LeaseGrant, places: NodePlaces): void {
  const environment = environmentOf(grant, places);
  for (const rank of grant.ranks) rankEnvironmentOf(environment, rank, grant, places);
  directoriesOf(grant, environment, jobTempOf(grant, places));
}

/** Where std files go, or "" for nowhere. */
export function stdDirectoryOf(grant: LeaseGrant, environment: Readonly<Record<string, string>>, temp: string): string {
  return grant.stdDirectory === "" ? "" : absolute(expand(grant.stdDirectory, environment), temp);
}

const absolute = (path: string, temp: string) =>
  (path.startsWith("/") ? path : `${temp}/${path}`).replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");

/** What `bash -c` runs: the user's text after the user's own profile, as Batch AI did it. */
export const shellText = (commandLine: string) => `[ -r ~/.bashrc ] && . ~/.bashrc\n${commandLine}`;
