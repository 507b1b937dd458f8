import type { Draft } from "../draft.js";
import { idOfCluster } from "../names.js";
import type { Cluster } from "../state.js";
import { announce } from "./announce.js";
import type { AnnouncementData } from "./announcement.js";
import type { AnnouncementKind } from "./kinds.js";

export function announceCluster(draft: Draft, before: Cluster | undefined, cluster: Cluster | undefined): void {
  if (!cluster) {
    if (before) tellOfCluster(draft, before, "cluster-deleted", String(draft.now), "is gone", {});
    return;
  }
  const { minimum, maximum } = cluster.size;
  const count = minimum === maximum ? nodes(minimum) : `${minimum} to ${nodes(maximum)}`;
  const data = { minimum, maximum };
  if (!before) tellOfCluster(draft, cluster, "cluster-created", "0", `was made, and asks for ${count}`, data);
  else if (before.size.minimum !== minimum || before.size.maximum !== maximum) {
    tellOfCluster(draft, cluster, "cluster-resized", String(draft.now), `now asks for ${count}`, data);
  }
}

const nodes = (count: number) => `${count} ${count === 1 ? "node" : "nodes"}`;

export function tellOfCluster(
  draft: Draft,
  cluster: Cluster,
  kind: AnnouncementKind,
  key: string,
  words: string,
  data: AnnouncementData,
): void {
  announce(draft, {
    id: `${kind}.${cluster.uuid}.${key}`,
    kind,
    at: draft.now,
    subject: idOfCluster(draft.world, cluster),
    message: `cluster ${cluster.name} ${words}`,
    scope: { workspace: cluster.workspace },
    data: { cluster: cluster.name, workspace: draft.world.workspaces.get(cluster.workspace)?.name ?? "", ...data },
  });
}
