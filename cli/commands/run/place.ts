import { Fault } from "../../../shared/fault.js";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import { childPath, isId, leafOf, workspacePath } from "../../ids.js";
import type { Session } from "../../session.js";

export interface Place {
  cluster: string;
  experiment: string;
}

/** Where a run goes. What nobody named is taken where there is only one, and its experiment is `run`, made when it is not there. */
export async function placeOf(call: Call, session: Session): Promise<Place> {
  const settings = await call.settings();
  const workspace = settings.workspace ? workspacePath(settings.workspace) : await onlyWorkspace(session);
  const cluster = settings.cluster ? clusterId(settings.cluster, workspace) : await onlyCluster(session, workspace);
  const { experiment } = settings;
  if (experiment !== undefined) {
    return { cluster, experiment: isId(experiment) ? experiment : childPath(workspace, "experiments", experiment) };
  }
  return { cluster, experiment: await defaultExperiment(session, workspace) };
}

const clusterId = (cluster: string, workspace: string) =>
  cluster.includes("/") ? cluster : childPath(workspace, "clusters", cluster);

async function onlyWorkspace(session: Session): Promise<string> {
  const { workspaces } = await session.workspaces.listWorkspaces({ pageSize: 10 }, session.limits);
  return only(workspaces, "workspace", "-w, STOKER_WORKSPACE or a profile", "stoker workspace create -n lab");
}

async function onlyCluster(session: Session, parent: string): Promise<string> {
  const { clusters } = await session.clusters.listClusters({ parent, pageSize: 10 }, session.limits);
  const make = `stoker cluster create -w ${leafOf(parent)} -n all -s any -t 1`;
  return only(clusters, "cluster", "-c, STOKER_CLUSTER or a profile", make);
}

function only(found: ReadonlyArray<{ id: string; name: string }>, what: string, how: string, make: string): string {
  const [first] = found;
  if (!first) throw usage(`there is no ${what}; make one: ${make}`);
  if (found.length > 1) throw usage(`which ${what}? give it with ${how}: ${found.map(({ name }) => name).join(", ")}`);
  return first.id;
}

async function defaultExperiment(session: Session, parent: string): Promise<string> {
  const id = childPath(parent, "experiments", "run");
  try {
    await session.experiments.getExperiment({ id }, session.limits);
  } catch (error) {
    if (!(error instanceof Fault && error.code === "not-found")) throw error;
    await session.create(undefined, (idempotencyKey) =>
      session.experiments
        .createExperiment({ parent, name: "run", idempotencyKey }, session.limits)
        .catch(ignoreExisting),
    );
  }
  return id;
}

/** Someone else's run made it in the meantime. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof Fault && error.code === "already-exists")) throw error;
}
