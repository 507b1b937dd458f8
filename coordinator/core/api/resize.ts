import type { ScaleSettings } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { admitSize } from "../admission/cluster.js";
import { refuse } from "../admission/fields.js";
import type { Draft } from "../draft.js";
import { findCluster } from "../names.js";

/** Another target, or other bounds; from manual to automatic and back. The nodes follow with the next settling of memberships. */
export function resizeCluster(draft: Draft, id: string, scale: ScaleSettings): string {
  const cluster = findCluster(draft.world, id);
  if (!scale.manual && !scale.autoScale) refuse("scaleSettings", "has neither manual nor autoScale; give one");
  const size = admitSize(scale);
  draft.put("cluster", { ...cluster, size, spec: { ...cluster.spec, scaleSettings: scale } });
  draft.membershipStale = true;
  draft.touched.add(cluster.uuid);
  return cluster.uuid;
}
