import { create } from "@bufbuild/protobuf";
import { LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { FilePlace } from "../../shared/gen/stoker/v1/relay_pb.js";
import { environmentOf, jobMountRootOf, jobTempOf, type NodePlaces } from "../core/environment.js";
import { expand } from "../core/expand.js";

/** Where a place's files are on this node. */
export type Located =
  | { kind: "own-disk"; base: string; below: string }
  /** On volumes of the cluster or the job: `plans` are those that hold it, under `root`; `base` is where the last of them is mounted. */
  | { kind: "volume"; level: "cluster" | "job"; root: string; plans: MountPlan[]; base: string; below: string };

/** Pure: what is mounted is looked at later. A path that a volume holds is confined to that volume. */
export function locate(place: FilePlace, places: NodePlaces): Located {
  const grant = create(LeaseGrantSchema, { environment: place.environment, jobPathSegment: place.jobPathSegment });
  const environment = environmentOf(grant, places);
  const base = absolute(expand(place.base, environment), jobTempOf(grant, places));
  const below = clean(expand(place.below, environment));
  const whole = clean(`${base}/${below}`);
  const levels = [
    { level: "job" as const, root: jobMountRootOf(grant, places), plans: place.jobMounts },
    { level: "cluster" as const, root: places.mountRoot, plans: place.clusterMounts },
  ];
  for (const { level, root, plans } of levels) {
    const holding = plans.filter((plan) => isIn(whole, pathOf(root, plan)));
    const longest = holding.map((plan) => pathOf(root, plan)).sort((a, b) => b.length - a.length)[0];
    if (longest !== undefined) {
      return { kind: "volume", level, root, plans: holding, base: longest, below: whole.slice(longest.length + 1) };
    }
  }
  return { kind: "own-disk", base, below };
}

const pathOf = (root: string, { relativeMountPath }: MountPlan) => clean(`${root}/${relativeMountPath}`);
const isIn = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
const clean = (path: string) => path.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
const absolute = (path: string, temp: string) => clean(path.startsWith("/") ? path : `${temp}/${path}`);
