import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { World } from "../memory.js";
import { withoutOuterSlashes } from "../slashes.js";
import type { Job } from "../state.js";

/**
 * The prefix under which all nodes of a job see the same files: that of its std files, else of its first output directory that does, else
 * its first volume. Undefined when everything that the job names is each node's own.
 */
export function sharedPrefixOf(world: World, job: Job): string | undefined {
  const { stdOutErrPathPrefix, outputDirectories, mountVolumes } = job.spec;
  const ofJob = pathsOf(mountVolumes);
  const ofCluster = pathsOf(world.clusters.get(job.request.cluster)?.spec.nodeSetup?.mountVolumes);
  const given = [stdOutErrPathPrefix, ...outputDirectories.map(({ pathPrefix }) => pathPrefix)];
  const named = given.find((prefix) => isShared(prefix, ofJob, ofCluster));
  if (named !== undefined) return named;
  const [own] = ofJob;
  if (own !== undefined) return `$AZ_BATCHAI_JOB_MOUNT_ROOT/${own}`;
  const [clusters] = ofCluster;
  return clusters === undefined ? undefined : `$AZ_BATCHAI_MOUNT_ROOT/${clusters}`;
}

/** As far as the text tells: an absolute path is taken for one that the site has everywhere. */
function isShared(prefix: string, ofJob: readonly string[], ofCluster: readonly string[]): boolean {
  if (prefix === "") return false;
  const [, name = "", rest = ""] = /^\$\{?([A-Za-z_]\w*)\}?(.*)$/s.exec(prefix) ?? [];
  const path = withoutOuterSlashes(rest);
  if (name === "AZ_BATCHAI_JOB_MOUNT_ROOT") return isUnder(path, ofJob);
  // The job's own mounts are seen there as well by nobody: what is no volume of the cluster is the node's own folder.
  if (name === "AZ_BATCHAI_MOUNT_ROOT") return isUnder(path, ofCluster);
  return name === "" ? prefix.startsWith("/") : !name.startsWith("AZ_BATCHAI_JOB_TEMP");
}

const isUnder = (path: string, volumes: readonly string[]) =>
  volumes.some((volume) => path === volume || path.startsWith(`${volume}/`));

function pathsOf(volumes: MountVolumes | undefined): string[] {
  const {
    fileServers = [],
    azureFileShares = [],
    unmanagedFileSystems = [],
    azureBlobFileSystems = [],
  } = volumes ?? {};
  // Containers last: those that are mounted for real show a file to others only when it is closed.
  return [...fileServers, ...azureFileShares, ...unmanagedFileSystems, ...azureBlobFileSystems].map(
    ({ relativeMountPath }) => withoutOuterSlashes(relativeMountPath),
  );
}
