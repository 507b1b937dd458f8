import {
  directoriesOf,
  environmentOf,
  hostFileOf,
  jobMountRootOf,
  jobTempOf,
  type NodePlaces,
} from "./core/environment.js";
import { expand } from "./core/expand.js";
import type { LeaseRun } from "./core/lease-state.js";
import type { ContainerWish, SharedFolder } from "./ports.js";

/** Never shown as the machine has them: a container has its own. */
const ownOfContainers = /^\/(?:proc|sys|dev|run\/stoker)(?:\/|$)/;

/** What a lease's container is made of, and what of this machine is seen in it. Undefined when it has none. */
export function containerWish(
  { id, grant }: LeaseRun,
  places: NodePlaces,
  inside: { from: string; to: string },
): ContainerWish | undefined {
  const { container, gpuUuids } = grant;
  if (!container) return undefined;
  const temp = jobTempOf(grant, places);
  const environment = environmentOf(grant, places);
  const roots = [places.mountRoot, jobMountRootOf(grant, places), temp];
  const named = container.directories
    .map((path) => expand(path, environment).replace(/(.)\/+$/, "$1"))
    .filter((path) => path.startsWith("/") && !path.split("/").includes(".."));
  const elsewhere = [...directoriesOf(grant, environment, temp), ...named].filter(
    (path) => path !== "/" && !ownOfContainers.test(path) && !roots.some((root) => isWithin(path, root)),
  );
  const folders: SharedFolder[] = [
    ...roots.map((path) => ({ from: path, to: path })),
    ...[...new Set(elsewhere)].map((path) => ({ from: path, to: path, named: true })),
  ];
  if (grant.hostFile !== "")
    folders.push({ from: hostFileOf(grant, places), to: hostFileOf(grant, places), readOnly: true });
  const { image, serverUrl, username, password } = container;
  return {
    ...{ lease: id, image, serverUrl, username, password, gpuUuids },
    shmSizeBytes: Number(container.shmSizeBytes),
    folders: [...folders, { ...inside, readOnly: true }],
  };
}

const isWithin = (path: string, root: string) => path === root || path.startsWith(`${root}/`);
