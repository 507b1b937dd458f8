import { Fault } from "../../../shared/fault.js";
import type { FilePlace } from "../../../shared/gen/stoker/v1/relay_pb.js";
import type { ClusterId, JobId } from "../../../shared/ids.js";
import type { World } from "../memory.js";
import type { Plain } from "../plain.js";
import type { Node } from "../state.js";
import { nodesOfJob, placeOfCluster, placeOfJob } from "./place.js";

/** A directory that users may look into. */
export type Directory =
  | { readonly kind: "job"; readonly job: JobId; readonly directoryId: string }
  | { readonly kind: "setup"; readonly cluster: ClusterId };

/** Where to ask for it. */
export interface Sources {
  readonly place: Omit<Plain<FilePlace>, "ownDisk">;
  /** The same without volumes that a command mounts: for nodes that are no more, or never were, of its cluster. */
  readonly placeElsewhere: Omit<Plain<FilePlace>, "ownDisk">;
  /** Of its cluster now. */
  readonly members: ReadonlySet<string>;
  /** Nodes that have, or had, a part in it: only these may have it on their own disks. In order. */
  readonly owners: readonly string[];
  /** Nodes that can mount what holds it, the likeliest first. */
  readonly others: readonly string[];
}

/** Pure: who of them can be reached is the caller's to see. */
export function sourcesOf(world: World, directory: Directory): Sources {
  const nodes = [...world.nodes.values()].filter(({ lost }) => !lost).sort((a, b) => a.sequence - b.sequence);
  const { place, owners, cluster } =
    directory.kind === "job" ? ofJob(world, directory) : ofCluster(world, directory, nodes);
  const rest = nodes.filter(({ name }) => !owners.includes(name));
  const members = rest.filter((node) => node.cluster === cluster);
  // Commands are root's, and keys open a whole store: whoever names them has no say about other clusters' machines.
  const strangers = hasOnly(place, isAnybodys) ? rest.filter((node) => node.cluster !== cluster) : [];
  return {
    place,
    placeElsewhere: { ...place, ...mountsOf(place, isNoCommand) },
    members: new Set(nodes.filter((node) => node.cluster === cluster).map(({ name }) => name)),
    owners,
    others: [...members, ...strangers].map(({ name }) => name),
  };
}

type Place = Sources["place"];
type Plan = Place["jobMounts"][number];

const isNoCommand = ({ kind }: Plan) => kind.case !== "command";
const isAnybodys = ({ kind }: Plan) => kind.case === "nfs";

const mountsOf = ({ clusterMounts, jobMounts }: Place, isGiven: (plan: Plan) => boolean) => ({
  clusterMounts: clusterMounts.filter(isGiven),
  jobMounts: jobMounts.filter(isGiven),
});

const hasOnly = ({ clusterMounts, jobMounts }: Place, isGiven: (plan: Plan) => boolean) =>
  [...clusterMounts, ...jobMounts].every(isGiven);

function ofJob(world: World, { job: uuid, directoryId }: Directory & { kind: "job" }) {
  const job = world.jobs.get(uuid);
  if (!job) throw new Fault("not-found", "the job is deleted");
  return { place: placeOfJob(world, job, directoryId), owners: nodesOfJob(world, job), cluster: job.request.cluster };
}

function ofCluster(world: World, { cluster: uuid }: Directory & { kind: "setup" }, nodes: readonly Node[]) {
  const cluster = world.clusters.get(uuid);
  if (!cluster) throw new Fault("not-found", "the cluster is deleted");
  const owners = nodes.filter((node) => node.cluster === uuid).map(({ name }) => name);
  return { place: placeOfCluster(world, cluster), owners, cluster: uuid };
}
