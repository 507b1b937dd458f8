import { Fault } from "../../../shared/fault.js";
import { membersOf } from "../cluster.js";
import { refuseDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import type { ApiEvent } from "../events.js";
import { findSecret } from "../names.js";
import { orderPreparation } from "../preparation/order.js";
import { admitSecretName, keysIn } from "../secrets/reference.js";
import { secretKey } from "../secrets/secret.js";

type SecretSet = Extract<ApiEvent, { kind: "secret-set" }>;

/** Attempts that run keep the value that they were given. */
export function setSecret(draft: Draft, { workspace: uuid, name, sealed }: SecretSet): string {
  const workspace = draft.world.workspaces.get(uuid);
  if (!workspace) throw new Fault("not-found", "the workspace was deleted meanwhile");
  refuseDeleting(draft.world, uuid);
  const key = secretKey(uuid, admitSecretName("name", name));
  const before = draft.world.secrets.get(key);
  draft.put("secret", {
    workspace: uuid,
    name,
    sealed,
    createdAt: before?.createdAt ?? draft.now,
    changedAt: draft.now,
  });
  if (!before) prepareWaiting(draft, key);
  // Jobs may have waited for it.
  for (const cluster of draft.world.index.queue.keys()) draft.touched.add(cluster);
  return key;
}

/** Nodes that could not be told what their cluster needs. */
function prepareWaiting(draft: Draft, key: string): void {
  for (const cluster of draft.world.clusters.values()) {
    if (!keysIn(cluster.spec).includes(key)) continue;
    draft.touched.add(cluster.uuid);
    for (const node of membersOf(draft.world, cluster)) orderPreparation(draft, node);
  }
}

export function deleteSecret(draft: Draft, id: string): string {
  const { workspace, name } = findSecret(draft.world, id);
  const key = secretKey(workspace, name);
  draft.delete("secret", key);
  return key;
}
