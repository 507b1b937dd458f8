import type { ScaleSettings } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { admitSize } from "../admission/cluster.js";
import { refuse } from "../admission/fields.js";
import { refuseGoing } from "../deleting.js";
import type { Draft } from "../draft.js";
import { findCluster } from "../names.js";
import { refuseOverNodes } from "../quota/nodes.js";

/** Another target, or other bounds; from manual to automatic and back. The nodes follow with the next settling of memberships. */
export function resizeCluster(draft: Draft, id: string, scale: ScaleSettings): string {
  const cluster = findCluster(draft.world, id);
  if (!scale.manual && !scale.autoScale) refuse("scaleSettings", "has neither manual nor autoScale; give one");
  refuseGoing(cluster);
  // How many it begins with is the concern of a new one alone.
  const { initial: _, ...size } = admitSize(scale);
  const workspace = draft.world.workspaces.get(cluster.workspace);
  if (workspace) refuseOverNodes(draft.world, workspace, size, cluster.uuid);
  draft.put("cluster", { ...cluster, size, spec: { ...cluster.spec, scaleSettings: scale } });
  draft.membershipStale = true;
  draft.touched.add(cluster.uuid);
  return cluster.uuid;
}
