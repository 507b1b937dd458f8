import { Fault } from "../../shared/fault.js";
import { shown } from "./admission/fields.js";
import type { World } from "./memory.js";
import { type Secret, secretKey } from "./secrets/secret.js";
import type { Cluster, Experiment, FileServer, Job, Node, Workspace } from "./state.js";

/**
 * Resources as the API names them: `workspaces/w/experiments/e/jobs/j`. A full Azure id is taken by its tail, and the words for the kinds
 * may be in any letter case.
 */

const word: Record<string, string> = {
  workspaces: "workspaces",
  clusters: "clusters",
  fileservers: "fileServers",
  experiments: "experiments",
  jobs: "jobs",
  nodes: "nodes",
  secrets: "secrets",
};

/** Names are short, and what Azure had before them was, too. */
const idMax = 1_000;

/** `workspaces/w/jobs/j` → [["workspaces", "w"], ["jobs", "j"]]; undefined when it is not of that form. */
function parts(id: string): Array<readonly [string, string]> | undefined {
  if (id.length > idMax) return undefined;
  // A resource group may be called as a kind is.
  const own = id.replace(/^.*\/providers\/Microsoft\.BatchAI\//i, "");
  const tail = /(?:^|\/)((?:workspaces|nodes)\/.*)$/i.exec(own)?.[1];
  if (tail === undefined) return undefined;
  const words = tail.split("/");
  if (words.length % 2 !== 0 || words.includes("")) return undefined;
  const pairs: Array<readonly [string, string]> = [];
  for (let at = 0; at < words.length; at += 2) {
    pairs.push([word[(words[at] ?? "").toLowerCase()] ?? "?", words[at + 1] ?? ""]);
  }
  return pairs;
}

/** The names in `id` when its kinds are those of `form`, such as `workspaces/clusters`. */
function namesIn(id: string, form: string, example: string): string[] {
  const pairs = parts(id);
  if (pairs === undefined || pairs.map(([kind]) => kind).join("/") !== form) {
    throw new Fault("invalid-argument", `"${shown(id, 300)}" is not of the form ${example}`);
  }
  return pairs.map(([, name]) => name);
}

/** Of an id of one of the forms that begin with a workspace; undefined when it is of none. */
export function workspaceNameIn(id: string): string | undefined {
  const [first] = parts(id) ?? [];
  return first?.[0] === "workspaces" ? first[1] : undefined;
}

const notFound = (noun: string, id: string) =>
  new Fault("not-found", `the specified ${noun} ${shown(id, 300)} is not found`);

export function findWorkspace(world: World, id: string): Workspace {
  const [name = ""] = namesIn(id, "workspaces", "workspaces/NAME");
  const uuid = world.index.workspaceByName.get(name);
  const workspace = uuid && world.workspaces.get(uuid);
  if (!workspace) throw notFound("workspace", id);
  return workspace;
}

export function findCluster(world: World, id: string): Cluster {
  const [workspace = "", name = ""] = namesIn(id, "workspaces/clusters", "workspaces/NAME/clusters/NAME");
  const uuid = world.index.clusterByName.get(`${world.index.workspaceByName.get(workspace)} ${name}`);
  const cluster = uuid && world.clusters.get(uuid);
  if (!cluster) throw notFound("cluster", id);
  return cluster;
}

export function findFileServer(world: World, id: string): FileServer {
  const [workspace = "", name = ""] = namesIn(id, "workspaces/fileServers", "workspaces/NAME/fileServers/NAME");
  const uuid = world.index.fileServerByName.get(`${world.index.workspaceByName.get(workspace)} ${name}`);
  const server = uuid && world.fileServers.get(uuid);
  if (!server) throw notFound("file server", id);
  return server;
}

export function findExperiment(world: World, id: string): Experiment {
  const [workspace = "", name = ""] = namesIn(id, "workspaces/experiments", "workspaces/NAME/experiments/NAME");
  const uuid = world.index.experimentByName.get(`${world.index.workspaceByName.get(workspace)} ${name}`);
  const experiment = uuid && world.experiments.get(uuid);
  if (!experiment) throw notFound("experiment", id);
  return experiment;
}

export function findJob(world: World, id: string): Job {
  const form = "workspaces/NAME/experiments/NAME/jobs/NAME";
  const [workspace = "", experiment = "", name = ""] = namesIn(id, "workspaces/experiments/jobs", form);
  const parent = world.index.experimentByName.get(`${world.index.workspaceByName.get(workspace)} ${experiment}`);
  const uuid = world.index.jobByName.get(`${parent} ${name}`);
  const job = uuid && world.jobs.get(uuid);
  if (!job) throw notFound("job", id);
  return job;
}

export function findSecret(world: World, id: string): Secret {
  const [workspace = "", name = ""] = namesIn(id, "workspaces/secrets", "workspaces/NAME/secrets/NAME");
  const owner = world.index.workspaceByName.get(workspace);
  const secret = owner && world.secrets.get(secretKey(owner, name));
  if (!secret) throw notFound("secret", id);
  return secret;
}

export function findNode(world: World, id: string): Node {
  const [name = ""] = namesIn(id.includes("/") ? id : `nodes/${id}`, "nodes", "nodes/NAME");
  const node = nodeNamed(world, name);
  if (!node) throw notFound("node", id);
  return node;
}

export function nodeNamed(world: World, name: string): Node | undefined {
  const uuid = world.index.nodeByName.get(name);
  return uuid && world.nodes.get(uuid);
}

/** A reference inside a spec: the forms above, or a bare name for one of the same workspace. */
export function resolveCluster(world: World, workspace: Workspace, reference: string): Cluster {
  return findCluster(world, qualified(workspace, "clusters", reference));
}

export function resolveFileServer(world: World, workspace: Workspace, reference: string): FileServer {
  return findFileServer(world, qualified(workspace, "fileServers", reference));
}

function qualified(workspace: Workspace, kind: string, reference: string): string {
  return reference.includes("/") ? reference : `${idOfWorkspace(workspace)}/${kind}/${reference}`;
}

export const idOfWorkspace = (workspace: Workspace) => `workspaces/${workspace.name}`;
export const idOfNode = (node: Node) => `nodes/${node.name}`;

/** Of what may have lost its workspace the name is left out: that happens in no state that a step leaves behind. */
const under = (world: World, uuid: Workspace["uuid"]) => `workspaces/${world.workspaces.get(uuid)?.name ?? ""}`;

export const idOfCluster = (world: World, cluster: Cluster) =>
  `${under(world, cluster.workspace)}/clusters/${cluster.name}`;
export const idOfFileServer = (world: World, server: FileServer) =>
  `${under(world, server.workspace)}/fileServers/${server.name}`;
export const idOfExperiment = (world: World, experiment: Experiment) =>
  `${under(world, experiment.workspace)}/experiments/${experiment.name}`;

export const idOfSecret = (world: World, secret: Secret) => `${under(world, secret.workspace)}/secrets/${secret.name}`;

export function idOfJob(world: World, job: Job): string {
  const experiment = world.experiments.get(job.experiment);
  return `${experiment ? idOfExperiment(world, experiment) : "workspaces//experiments/"}/jobs/${job.name}`;
}

/** The part of output paths that belongs to the job alone. */
export const outputSegmentOf = (world: World, job: Job) => `${idOfJob(world, job)}/${job.uuid}`;
