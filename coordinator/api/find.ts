import { Fault } from "../../shared/fault.js";
import type { State } from "../core/memory.js";
import type { Cluster, Experiment, FileServer, Job, Node, Workspace } from "../core/state.js";

/** Resources by the ids that callers use. Each throws `invalid-argument` for a text of another shape, `not-found` for an unknown name. */
export function findWorkspace(state: State, id: string): Workspace {
  const [name] = parts(id, ["workspaces"]);
  return found(id, state.workspaces, state.index.workspaceByName.get(name ?? ""));
}

export function findCluster(state: State, id: string): Cluster {
  const [workspace, name] = parts(id, ["workspaces", "clusters"]);
  const parent = findWorkspace(state, `workspaces/${workspace}`);
  return found(id, state.clusters, state.index.clusterByName.get(`${parent.uuid} ${name}`));
}

export function findFileServer(state: State, id: string): FileServer {
  const [workspace, name] = parts(id, ["workspaces", "fileServers"]);
  const parent = findWorkspace(state, `workspaces/${workspace}`);
  return found(id, state.fileServers, state.index.fileServerByName.get(`${parent.uuid} ${name}`));
}

export function findExperiment(state: State, id: string): Experiment {
  const [workspace, name] = parts(id, ["workspaces", "experiments"]);
  const parent = findWorkspace(state, `workspaces/${workspace}`);
  return found(id, state.experiments, state.index.experimentByName.get(`${parent.uuid} ${name}`));
}

export function findJob(state: State, id: string): Job {
  const [workspace, experiment, name] = parts(id, ["workspaces", "experiments", "jobs"]);
  const parent = findExperiment(state, `workspaces/${workspace}/experiments/${experiment}`);
  return found(id, state.jobs, state.index.jobByName.get(`${parent.uuid} ${name}`));
}

export function findNode(state: State, id: string): Node {
  const [name] = parts(id, ["nodes"]);
  return found(id, state.nodes, state.index.nodeByName.get(name ?? ""));
}

/** The names in `type/name/type/name`. */
function parts(id: string, types: string[]): string[] {
  const words = id.split("/");
  const names = words.filter((_, index) => index % 2 === 1);
  const fits =
    words.length === types.length * 2 &&
    types.every((type, index) => words[index * 2]?.toLowerCase() === type.toLowerCase()) &&
    names.every((name) => name !== "");
  if (!fits) {
    const shape = types.map((type) => `${type}/<name>`).join("/");
    throw new Fault("invalid-argument", `"${id.slice(0, 200)}" is not an id of the form ${shape}`);
  }
  return names;
}

function found<K, V>(id: string, table: ReadonlyMap<K, V>, uuid: K | undefined): V {
  const row = uuid === undefined ? undefined : table.get(uuid);
  if (row === undefined) throw new Fault("not-found", `there is no ${id}`);
  return row;
}
