import type { CallContext } from "../../shared/grpc.js";
import type { WorkspaceId } from "../../shared/ids.js";
import { isAdministrator, mayRead } from "../core/access/caller.js";
import type { State } from "../core/memory.js";
import { workspaceNameIn } from "../core/names.js";
import type { Job } from "../core/state.js";

/** What the caller may read. What lies outside of it is left out of lists, or called something of another workspace. */
export interface Sight {
  workspace(uuid: WorkspaceId): boolean;
  job(job: Job): boolean;
  /** Of something in a workspace, by its id. */
  id(id: string): boolean;
}

export const unlimited: Sight = { workspace: () => true, job: () => true, id: () => true };

export function sightOf(state: State, { caller }: CallContext): Sight {
  if (caller.kind === "user" && isAdministrator(state, caller)) return unlimited;
  const known = new Map<WorkspaceId, boolean>();
  const workspace = (uuid: WorkspaceId) => {
    const before = known.get(uuid);
    if (before !== undefined) return before;
    const may = caller.kind === "user" && mayRead(state, caller, state.workspaces.get(uuid));
    known.set(uuid, may);
    return may;
  };
  return {
    workspace,
    job: ({ experiment }) => {
      const owner = state.experiments.get(experiment)?.workspace;
      return owner !== undefined && workspace(owner);
    },
    id: (id) => {
      const name = workspaceNameIn(id);
      const uuid = name === undefined ? undefined : state.index.workspaceByName.get(name);
      return uuid !== undefined && workspace(uuid);
    },
  };
}

/** In the place of ids. */
export const hidden = {
  job: "a job of another workspace",
  cluster: "a cluster of another workspace",
  fileServer: "a file server of another workspace",
} as const;
