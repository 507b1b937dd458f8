import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import { announceByTime } from "./by-time.js";
import { announceCluster } from "./of-cluster.js";
import { announceJob } from "./of-job.js";
import { announceHeard, announceNode } from "./of-node.js";

/** What people may be told of, out of all that one step has changed. `base`: the world before it. */
export function announceStep(draft: Draft, base: World, time: "tick" | "resume" | undefined): void {
  for (const change of draft.changes) {
    if (change.kind === "put") {
      if (change.table === "job") announceJob(draft, base.jobs.get(change.row.uuid), change.row);
      else if (change.table === "node") announceNode(draft, base.nodes.get(change.row.uuid), change.row);
      else if (change.table === "cluster") announceCluster(draft, base.clusters.get(change.row.uuid), change.row);
    } else if (change.kind === "liveness") {
      const node = draft.world.nodes.get(change.node);
      const after = draft.world.liveness.get(change.node);
      if (node && after) announceHeard(draft, node, base.liveness.get(change.node), after);
    } else if (change.kind === "delete") removed(draft, base, change);
  }
  if (time) announceByTime(draft, time === "tick" ? base.clock.tickedAt : undefined);
}

function removed(draft: Draft, base: World, { table, key }: { table: string; key: string }): void {
  const found = <K extends string, V>(rows: { get(key: K): V | undefined }) => rows.get(key as K);
  if (table === "node") announceNode(draft, found(base.nodes), undefined);
  if (table === "cluster") announceCluster(draft, found(base.clusters), undefined);
}
