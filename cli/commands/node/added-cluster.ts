import { Fault } from "../../../shared/fault.js";
import type { Call } from "../../call.js";
import { childPath, leafOf } from "../../ids.js";
import type { Session } from "../../session.js";

/** A first cluster of machines that have just become nodes, and its workspace; where it is there, it stays as it is. */
export async function clusterOf(call: Call, session: Session, count: number): Promise<void> {
  const parent = await call.workspace();
  const name = call.text("cluster") ?? "";
  await unlessThere(() =>
    session.create(undefined, (idempotencyKey) =>
      session.workspaces.createWorkspace({ name: leafOf(parent), idempotencyKey }, session.limits),
    ),
  );
  const { loadCluster } = await import("../../body/cluster.js");
  const { spec } = loadCluster({}, { workspace: leafOf(parent), vmSize: "any", target: count });
  const made = await unlessThere(() =>
    session.create(undefined, (idempotencyKey) =>
      session.clusters.createCluster({ parent, name, spec, idempotencyKey }, session.limits),
    ),
  );
  const id = childPath(parent, "clusters", name);
  await call.notice(
    made
      ? `cluster ${id} has ${count} nodes`
      : `cluster ${id} is there already: stoker cluster resize gives it more nodes`,
  );
}

async function unlessThere(make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === "already-exists") return false;
    throw error;
  }
}
