import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../../shared/gen/stoker/v1/file_server_service_pb.js";
import { MachineClassService } from "../../shared/gen/stoker/v1/machine_class_service_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { ProvisioningState } from "../../shared/gen/stoker/v1/provisioning_pb.js";
import { SecretService } from "../../shared/gen/stoker/v1/secret_service_pb.js";
import { StorageService } from "../../shared/gen/stoker/v1/storage_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

let coordinator: CoordinatorProcess;
let agents: FakeAgent[];
beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  agents = [];
  await coordinator.start();
  await coordinator.furnish();
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await coordinator.dispose();
});

async function enrolled(name: string, held: string[] = []): Promise<FakeAgent> {
  const agent = new FakeAgent(coordinator.address, coordinator.token);
  agents.push(agent);
  agent.hello(name, { leases: held.map((leaseId) => ({ leaseId, phase: 1 })) });
  await agent.hears("welcome");
  return agent;
}

const workspaces = () => coordinator.client(WorkspaceService);
const id = "workspaces/w";

describe("a workspace", () => {
  it("shows deleting until its running job has ended, across a kill -9, and leaves its sibling alone", async () => {
    await coordinator.furnish("sibling");
    const agent = await enrolled("n1");
    await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob() });
    const { leaseId } = await agent.hears("grant");
    const spec = { existing: { host: "h", export: "/x" } };
    await coordinator.client(FileServerService).createFileServer({ parent: id, name: "nas", spec });
    const before = await workspaces().getWorkspace({ id });
    expect(before.workspace?.provisioningState).toBe(ProvisioningState.SUCCEEDED);
    expect(before.workspace?.provisioningStateTransitionTime).toEqual(before.workspace?.creationTime);
    await workspaces().deleteWorkspace({ id });
    await agent.hears("stop", (stop) => stop.leaseId === leaseId);
    await coordinator.end("SIGKILL");
    await coordinator.start();
    const { workspace } = await workspaces().getWorkspace({ id });
    expect(workspace?.provisioningState).toBe(ProvisioningState.DELETING);
    expect(workspace?.provisioningStateTransitionTime).not.toEqual(workspace?.creationTime);
    const { experiment } = await coordinator.client(ExperimentService).getExperiment({ id: `${id}/experiments/e` });
    expect(experiment?.provisioningState).toBe(ProvisioningState.DELETING);
    const { cluster } = await coordinator.client(ClusterService).getCluster({ id: `${id}/clusters/c` });
    expect(cluster?.provisioningState).toBe(ProvisioningState.DELETING);
    const servers = await coordinator.client(FileServerService).listFileServers({ parent: id });
    expect(servers.fileServers[0]?.provisioningState).toBe(ProvisioningState.DELETING);
    const { job } = await coordinator.jobs.getJob({ id: `${id}/experiments/e/jobs/j` });
    expect(job?.provisioningState).toBe(ProvisioningState.DELETING);
    const again = await enrolled("n1", [leaseId]);
    await again.hears("stop", (stop) => stop.leaseId === leaseId);
    again.send({ case: "report", value: { leaseId, sequence: 1n, event: { case: "done", value: {} } } });
    await until("the workspace is gone", async () => {
      const { workspaces: left } = await workspaces().listWorkspaces({});
      return left.length === 1 ? left : undefined;
    });
    const lists = await Promise.all([
      coordinator.client(ClusterService).listClusters({ parent: "workspaces/sibling" }),
      coordinator.client(ExperimentService).listExperiments({ parent: "workspaces/sibling" }),
    ]);
    expect([lists[0].clusters.length, lists[1].experiments.length]).toEqual([1, 1]);
    await expect(coordinator.client(ClusterService).getCluster({ id: `${id}/clusters/c` })).rejects.toMatchObject({
      code: "not-found",
    });
    await coordinator.furnish();
  });

  it("has tags, a quota and usages, which are there after a restart", async () => {
    const agent = await enrolled("n1");
    await workspaces().updateWorkspace({ id, tags: { team: "vision", owner: "me" } });
    await workspaces().updateWorkspace({ id, tags: { owner: "you" }, keepOthers: true, removedTags: ["team"] });
    await workspaces().setWorkspaceQuota({ id, quota: { runningJobs: 1, clusters: 1 } });
    const spec = tinyJob();
    await coordinator.jobs.createJob({ ...inExperiment, name: "first", spec });
    await coordinator.jobs.createJob({ ...inExperiment, name: "second", spec });
    await agent.hears("grant");
    await coordinator.end("SIGKILL");
    await coordinator.start();
    const { workspace } = await workspaces().getWorkspace({ id });
    expect(workspace).toMatchObject({ tags: { owner: "you" }, quota: { runningJobs: 1, clusters: 1 } });
    const { usages } = await workspaces().listUsages({ parent: id });
    expect(usages.map(({ name, currentValue, limit }) => [name?.value, currentValue, limit])).toEqual([
      ["Clusters", 1n, 1n],
      ["Nodes", 1n, undefined],
      ["GPUs", 0n, undefined],
      ["RunningJobs", 1n, 1n],
    ]);
    const explained = await coordinator.jobs.explainJob({ id: `${id}/experiments/e/jobs/second` });
    expect(explained.summary).toMatch(/workspace w has 1 running job, of 1 that its quota allows/);
    const another = coordinator
      .client(ClusterService)
      .createCluster({ parent: id, name: "d", spec: { vmSize: "any" } });
    await expect(another).rejects.toMatchObject({ code: "resource-exhausted" });
    const site = await workspaces().listUsages({});
    expect(site.usages.map(({ currentValue, limit }) => [currentValue, limit])[1]).toEqual([1n, 1n]);
  });

  it("gives an experiment that is there already to whoever creates it again", async () => {
    const experiments = coordinator.client(ExperimentService);
    const first = await experiments.getExperiment({ id: `${id}/experiments/e` });
    const again = await experiments.createExperiment({ parent: id, name: "e", idempotencyKey: "k" });
    expect(again.experiment).toEqual(first.experiment);
  });
});

type Page = { nextPageToken: string };

it("every list comes in pages of 1 to 1000, and a token leads on", async () => {
  for (const name of ["n1", "n2", "n3"]) await enrolled(name);
  const { client } = coordinator;
  const get = client.bind(coordinator);
  const scaleSettings = { manual: { targetNodeCount: 0 } };
  for (const name of ["x1", "x2"]) {
    await workspaces().createWorkspace({ name });
    await get(ClusterService).createCluster({ parent: id, name, spec: { vmSize: "any", scaleSettings } });
    await get(ExperimentService).createExperiment({ parent: id, name });
    await coordinator.jobs.createJob({ ...inExperiment, name, spec: tinyJob() });
    await get(SecretService).setSecret({ parent: id, name, value: "v" });
    await get(MachineClassService).setMachineClassAlias({ alias: name, machineClass: name });
    await get(FileServerService).createFileServer({
      parent: id,
      name,
      spec: { existing: { host: "h", export: "/x" } },
    });
    await get(StorageService).setStorageMapping({ source: `a/${name}`, fileServerId: `${id}/fileServers/${name}` });
  }
  type Ask = { pageSize: number; pageToken: string };
  const lists: Record<string, (ask: Ask) => Promise<Page>> = {
    workspaces: (ask) => workspaces().listWorkspaces(ask),
    clusters: (ask) => get(ClusterService).listClusters({ parent: id, ...ask }),
    fileServers: (ask) => get(FileServerService).listFileServers({ parent: id, ...ask }),
    experiments: (ask) => get(ExperimentService).listExperiments({ parent: id, ...ask }),
    jobs: (ask) => coordinator.jobs.listJobs({ ...inExperiment, ...ask }),
    nodes: (ask) => get(NodeService).listNodes(ask),
    secrets: (ask) => get(SecretService).listSecrets({ parent: id, ...ask }),
    machineClasses: (ask) => get(MachineClassService).listMachineClasses(ask),
    mappings: (ask) => get(StorageService).listStorageMappings(ask),
  };
  for (const [name, list] of Object.entries(lists)) {
    const whole = itemsOf(await list({ pageSize: 1000, pageToken: "" }), name);
    expect(whole.length).toBeGreaterThanOrEqual(2);
    const single: unknown[] = [];
    let pageToken = "";
    do {
      const page = await list({ pageSize: 1, pageToken });
      single.push(...itemsOf(page, name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(single.map(nameOf)).toEqual(whole.map(nameOf));
    for (const pageSize of [-1, 1001]) {
      await expect(list({ pageSize, pageToken: "" })).rejects.toMatchObject({ code: "invalid-argument" });
    }
    await expect(list({ pageSize: 1, pageToken: "elsewhere" })).rejects.toMatchObject({ code: "invalid-argument" });
  }
});

const itemsOf = (page: Page, field: string): unknown[] => {
  const items = Object.entries(page).find(([name]) => name === field)?.[1];
  return Array.isArray(items) ? items : [];
};
const nameOf = (item: unknown): unknown => {
  const { name, source } = item as { name?: string; source?: string };
  return name ?? source;
};
