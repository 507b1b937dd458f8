import { Fault } from "../../../shared/fault.js";
import { refuseForeignInCluster, refuseForeignInJob, refuseMachineFiles } from "../access/foreign.js";
import { refuseRootInCluster, refuseRootInJob } from "../access/root-commands.js";
import { refuseWithoutAccount } from "../admission/account.js";
import { admitCluster, admitFileServer } from "../admission/cluster.js";
import { admitClean, admitName } from "../admission/fields.js";
import { admitJob } from "../admission/job.js";
import { refuseDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import type { ClusterCreate, ExperimentCreate, FileServerCreate, JobCreate, WorkspaceCreate } from "../events.js";
import { orderExports } from "../file-servers/exports.js";
import type { Managed } from "../file-servers/managed.js";
import { placeFileServer } from "../file-servers/place.js";
import { record } from "../job.js";
import { findExperiment, findWorkspace, idOfExperiment, idOfWorkspace } from "../names.js";
import { refuseOverClusters, refuseOverNodes } from "../quota/nodes.js";
import { refuseMarked } from "../secrets/reference.js";
import type { Experiment, Job, Workspace } from "../state.js";
import { admitTags } from "./workspace.js";

/** Creates. Each returns the UUID of the resource: the one made, or the one that the same idempotency key made before. */

type Create = WorkspaceCreate | ClusterCreate | FileServerCreate | ExperimentCreate | JobCreate;

/** The earlier resource when the key was used before, for the same body. */
function earlier(draft: Draft, event: Create, scope: string): string | undefined {
  if (!event.idempotency || event.idempotency.key === "") return undefined;
  const { key, digest } = event.idempotency;
  if (key.length > 256) throw new Fault("invalid-argument", "idempotency_key: is longer than 256 characters");
  const used = draft.world.idempotencyKeys.get(`${scope} ${key}`);
  if (!used) {
    draft.put("idempotency-key", { scope, key, digest, resource: event.uuid, at: draft.now });
    return undefined;
  }
  if (used.digest !== digest) {
    throw new Fault(
      "already-exists",
      `the idempotency key "${key}" was used before with another body: use another key`,
    );
  }
  if (!resourceLives(draft, event, used.resource)) {
    throw new Fault("already-exists", `what the idempotency key "${key}" made was deleted since: use another key`);
  }
  return used.resource;
}

function resourceLives({ world }: Draft, { kind }: Create, uuid: string): boolean {
  const tables = {
    "workspace-create": world.workspaces,
    "cluster-create": world.clusters,
    "file-server-create": world.fileServers,
    "experiment-create": world.experiments,
    "job-create": world.jobs,
  } as const;
  return (tables[kind] as { has(key: string): boolean }).has(uuid);
}

const taken = (noun: string, id: string) => new Fault("already-exists", `the ${noun} ${id} exists already`);

export function createWorkspace(draft: Draft, event: WorkspaceCreate): string {
  const name = admitName("name", event.name);
  const before = earlier(draft, event, "workspaces");
  if (before !== undefined) return before;
  if (draft.world.index.workspaceByName.has(name)) throw taken("workspace", `workspaces/${name}`);
  const { uuid } = event;
  const tags = admitTags(event.tags);
  const location = admitClean("location", event.location, 256);
  draft.put("workspace", { uuid, name, tags, location, createdAt: draft.now });
  return uuid;
}

export function createCluster(draft: Draft, event: ClusterCreate): string {
  const name = admitName("name", event.name);
  const workspace = findWorkspace(draft.world, event.parent);
  const before = earlier(draft, event, `clusters ${workspace.uuid}`);
  if (before !== undefined) return before;
  if (draft.world.index.clusterByName.has(`${workspace.uuid} ${name}`)) {
    throw taken("cluster", `${idOfWorkspace(workspace)}/clusters/${name}`);
  }
  refuseDeleting(draft.world, workspace.uuid);
  refuseForeignInCluster(draft, workspace, event.spec);
  refuseRootInCluster(draft, workspace, event.spec);
  const { spec, size } = admitCluster(event.spec, draft.world, workspace);
  refuseOverClusters(draft.world, workspace);
  refuseOverNodes(draft.world, workspace, size);
  const sequence = draft.world.next.cluster;
  const { uuid } = event;
  draft.put("cluster", { uuid, workspace: workspace.uuid, name, spec, size, createdAt: draft.now, sequence });
  draft.membershipStale = true;
  return uuid;
}

export function createFileServer(draft: Draft, event: FileServerCreate): string {
  const name = admitName("name", event.name);
  const workspace = findWorkspace(draft.world, event.parent);
  const before = earlier(draft, event, `fileServers ${workspace.uuid}`);
  if (before !== undefined) return before;
  if (draft.world.index.fileServerByName.has(`${workspace.uuid} ${name}`)) {
    throw taken("file server", `${idOfWorkspace(workspace)}/fileServers/${name}`);
  }
  refuseDeleting(draft.world, workspace.uuid);
  const { uuid } = event;
  refuseMarked("spec", event.spec);
  refuseMachineFiles(draft, event.spec);
  const spec = admitFileServer(event.spec);
  const place = placeFileServer(draft.world, workspace, name, spec);
  const managed: Managed | undefined = place && { ...place, state: "creating", since: draft.now };
  const row = { uuid, workspace: workspace.uuid, name, spec, createdAt: draft.now };
  draft.put("file-server", managed ? { ...row, managed } : row);
  const node = managed && draft.world.nodes.get(managed.node);
  if (node) orderExports(draft, node);
  return uuid;
}

/** Creating one that is there already gives that one, as Batch AI did. */
export function createExperiment(draft: Draft, event: ExperimentCreate): string {
  const name = admitName("name", event.name);
  const workspace = findWorkspace(draft.world, event.parent);
  const before = earlier(draft, event, `experiments ${workspace.uuid}`);
  if (before !== undefined) return before;
  const existing = draft.world.index.experimentByName.get(`${workspace.uuid} ${name}`);
  if (existing !== undefined) {
    refuseGoing(draft.world.experiments.get(existing));
    return existing;
  }
  refuseDeleting(draft.world, workspace.uuid);
  const { uuid } = event;
  draft.put("experiment", { uuid, workspace: workspace.uuid, name, createdAt: draft.now, deleting: false });
  return uuid;
}

export function createJob(draft: Draft, event: JobCreate): string {
  const name = admitName("name", event.name);
  const experiment = findExperiment(draft.world, event.parent);
  const before = earlier(draft, event, `jobs ${experiment.uuid}`);
  if (before !== undefined) return before;
  const id = `${idOfExperiment(draft.world, experiment)}/jobs/${name}`;
  if (draft.world.index.jobByName.has(`${experiment.uuid} ${name}`)) throw taken("job", id);
  refuseGoing(experiment);
  const workspace = workspaceOf(draft, experiment.workspace);
  refuseForeignInJob(draft, workspace, event.spec);
  refuseRootInJob(draft, workspace, event.spec);
  const { spec, request } = admitJob(event.spec, draft.world, workspace);
  const job: Job = {
    uuid: event.uuid,
    experiment: experiment.uuid,
    name,
    spec,
    request,
    createdAt: draft.now,
    sequence: draft.world.next.job,
    state: { kind: "queued", since: draft.now },
    attempt: 0,
    retries: 0,
    machineFaults: 0,
    avoid: [],
    deleting: false,
    events: 0,
    ...(event.traceParent === undefined ? {} : { traceParent: event.traceParent }),
    ...(draft.origin?.caller ? { submittedBy: draft.origin.caller.name } : {}),
  };
  refuseWithoutAccount(draft.world, job);
  record(draft, job, "submitted");
  draft.queued(job);
  return job.uuid;
}

function refuseGoing(experiment: Experiment | undefined): void {
  if (!experiment?.deleting) return;
  throw new Fault("failed-precondition", `experiment ${experiment.name} is being deleted: wait until it is gone`);
}

function workspaceOf(draft: Draft, uuid: Workspace["uuid"]): Workspace {
  const workspace = draft.world.workspaces.get(uuid);
  if (!workspace) throw new Fault("not-found", "the experiment's workspace is gone");
  return workspace;
}
