import { admitText, refuse, shown } from "../admission/fields.js";
import type { Draft } from "../draft.js";
import type { WorkspaceUpdate } from "../events.js";
import { findWorkspace } from "../names.js";
import { admitQuota } from "../quota/admit.js";
import type { Quota } from "../quota/quota.js";
import type { Workspace } from "../state.js";

/** Azure's own limits. */
const tagsMax = 50;

export function admitTags(tags: Workspace["tags"]): Workspace["tags"] {
  const entries = Object.entries(tags);
  if (entries.length > tagsMax) refuse("tags", `are ${entries.length}; there may be ${tagsMax}`);
  for (const [name, value] of entries) {
    if (admitText("tags", name).length > 512) refuse("tags", `"${shown(name)}" is longer than 512 characters`);
    if (value.length > 256) refuse("tags", `"${shown(name)}" has a value of more than 256 characters`);
  }
  return tags;
}

export function updateWorkspace(draft: Draft, { id, tags, keepOthers, removed }: WorkspaceUpdate): string {
  const workspace = findWorkspace(draft.world, id);
  if (!keepOthers && removed.length > 0) refuse("removed_tags", "needs keep_others: without it all other tags go");
  const both = removed.find((name) => Object.hasOwn(tags, name));
  if (both !== undefined) refuse("removed_tags", `"${shown(both)}" is among the tags to be set, too`);
  const kept = keepOthers ? Object.entries(workspace.tags).filter(([name]) => !removed.includes(name)) : [];
  draft.put("workspace", { ...workspace, tags: admitTags({ ...Object.fromEntries(kept), ...tags }) });
  return workspace.uuid;
}

/** What is above the new limits stays; nothing is added to it. */
export function setQuota(draft: Draft, id: string, given: Quota): string {
  const { quota: _, ...workspace } = findWorkspace(draft.world, id);
  const quota = admitQuota(given);
  draft.put("workspace", Object.keys(quota).length === 0 ? workspace : { ...workspace, quota });
  draft.membershipStale = true;
  for (const cluster of draft.world.index.queue.keys()) draft.touched.add(cluster);
  return workspace.uuid;
}
