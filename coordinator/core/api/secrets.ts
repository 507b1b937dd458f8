import { Fault } from "../../../shared/fault.js";
import { refuseDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import type { ApiEvent } from "../events.js";
import { findSecret } from "../names.js";
import { admitSecretName } from "../secrets/reference.js";
import { secretKey } from "../secrets/secret.js";

type SecretSet = Extract<ApiEvent, { kind: "secret-set" }>;

/** Attempts that run keep the value that they were given. */
export function setSecret(draft: Draft, { workspace: uuid, name, sealed }: SecretSet): string {
  const workspace = draft.world.workspaces.get(uuid);
  if (!workspace) throw new Fault("not-found", "the workspace was deleted meanwhile");
  refuseDeleting(draft.world, uuid);
  const key = secretKey(uuid, admitSecretName("name", name));
  const createdAt = draft.world.secrets.get(key)?.createdAt ?? draft.now;
  draft.put("secret", { workspace: uuid, name, sealed, createdAt, changedAt: draft.now });
  // Jobs may have waited for it.
  for (const cluster of draft.world.index.queue.keys()) draft.touched.add(cluster);
  return key;
}

export function deleteSecret(draft: Draft, id: string): string {
  const { workspace, name } = findSecret(draft.world, id);
  const key = secretKey(workspace, name);
  draft.delete("secret", key);
  return key;
}
