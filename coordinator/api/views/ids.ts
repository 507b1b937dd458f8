import type { State } from "../../core/memory.js";
import type { Cluster, Experiment, FileServer, Job, Node, Workspace } from "../../core/state.js";

/** The ids that people use, as paths of names. */
export const workspacePath = (row: Workspace) => `workspaces/${row.name}`;

export const nodePath = (row: Node) => `nodes/${row.name}`;

export const clusterPath = (state: State, row: Cluster) => `${parentPath(state, row)}/clusters/${row.name}`;

export const fileServerPath = (state: State, row: FileServer) => `${parentPath(state, row)}/fileServers/${row.name}`;

export const experimentPath = (state: State, row: Experiment) => `${parentPath(state, row)}/experiments/${row.name}`;

export function jobPath(state: State, row: Job): string {
  const experiment = state.experiments.get(row.experiment);
  return `${experiment ? experimentPath(state, experiment) : "experiments/?"}/jobs/${row.name}`;
}

function parentPath(state: State, row: { readonly workspace: Workspace["uuid"] }): string {
  return `workspaces/${state.workspaces.get(row.workspace)?.name ?? "?"}`;
}
