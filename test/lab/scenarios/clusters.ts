import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../machines/until.js";
import type { Job, JobBody } from "../site/job.js";
import { nothingLeft } from "../site/leftovers.js";
import { Site } from "../site/site.js";
import type { Scenario, Stage } from "../stage.js";

interface ClusterView {
  currentNodeCount: number;
  allocationState: string;
  shortage?: string;
  nodeStateCounts: Record<string, number>;
  errors: Array<{ code: string; message: string }>;
}

interface NodeView {
  name: string;
  state: string;
  /** Absent when it is free. */
  clusterId?: string;
}

/** Clusters share machines that change hands under load: nothing of a job stays on one that went. */
export const clusters: Scenario = {
  name: "clusters",
  shows:
    "two clusters over one NFS server grow and shrink under load with each deallocation option, give a machine back to its owner, and survive a setup task that fails",
  tiers: ["quick", "full"],
  machines: 4,
  async run(stage) {
    const { step } = stage;
    const site = await Site.raise(stage);
    const share = new Share(site);
    await step("a second cluster scales by itself, with the share mounted on its nodes", async () => {
      await share.resize("all", 2);
      const body = site.write("second.json", {
        properties: {
          vmSize: "any",
          scaleSettings: { autoScale: { minimumNodeCount: 0, maximumNodeCount: 2 } },
          nodeSetup: { mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] } },
        },
      });
      await site.coordinator.stoker(["cluster", "create", "-w", "lab", "-n", "second", "-f", body]);
    });
    await step("both work at once, on machines of their own, and write to the share", () => bothWork(site, share));
    for (const option of ["requeue", "terminate", "waitforjobcompletion"] as const) {
      await step(`shrunk under load with ${option}`, () => shrink(share, option));
    }
    await step("a machine's owner takes it back, and its job goes on elsewhere", () => reclaim(site, share));
    await step("a setup task that fails makes its node unusable, and says why", () => setupFails(site, share, stage));
    await step("nothing is left on any machine", () => nothingLeft(site));
  },
};

/** Jobs that run until their file appears on the share, and what is said of clusters. */
class Share {
  constructor(readonly site: Site) {}

  async job(name: string, cluster: string, nodeCount = 1): Promise<Job> {
    const wait = `echo begun > $AZ_BATCHAI_JOB_MOUNT_ROOT/share/${name}.$STOKER_ATTEMPT.$STOKER_NODE; until [ -e $AZ_BATCHAI_JOB_MOUNT_ROOT/share/${name}.go ]; do sleep 0.2; done`;
    const body: JobBody = {
      nodeCount,
      stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/share",
      mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] },
      customToolkitSettings: { commandLine: wait },
    };
    return await this.site.submit(name, body, cluster);
  }

  release = (name: string): void => writeFileSync(join(this.folder, `${name}.go`), "");

  get folder(): string {
    return this.site.stage.lab.filer.shareFolder;
  }

  resize = (cluster: string, target: number, option = "requeue"): Promise<string> =>
    this.site.coordinator.stoker([
      ...["cluster", "resize", "-w", "lab", "-n", cluster, "-t", String(target)],
      ...["--when-busy", option],
    ]);

  cluster = (name: string): Promise<ClusterView> =>
    this.site.coordinator.ask<ClusterView>(["cluster", "show", "-w", "lab", "-n", name]);

  /** Its counts add up at every look. */
  async untilNodes(name: string, count: number, limitMs = 30_000): Promise<void> {
    const settled = async () => {
      const { currentNodeCount, nodeStateCounts, allocationState } = await this.cluster(name);
      const sum = Object.values(nodeStateCounts).reduce((total, each) => total + each, 0);
      assert.equal(sum, currentNodeCount, `${name}: ${JSON.stringify(nodeStateCounts)}`);
      return currentNodeCount === count && allocationState === "steady";
    };
    await until(`${name} has ${count} nodes`, settled, limitMs * this.site.stage.slowness, 250);
  }

  async begun(job: Job, attempt: number): Promise<string> {
    let machine = "";
    const there = async () => {
      [machine = ""] = await job.machinesOf(attempt);
      return machine !== "" && existsSync(join(this.folder, `${job.name}.${attempt}.${machine}`));
    };
    await until(`attempt ${attempt} of ${job.name} has begun`, there, 40_000 * this.site.stage.slowness, 250);
    return machine;
  }
}

async function bothWork(site: Site, share: Share): Promise<void> {
  const jobs = [await share.job("one", "all"), await share.job("two", "second"), await share.job("three", "second")];
  const machines = await Promise.all(jobs.map((job) => share.begun(job, 1)));
  assert.equal(new Set(machines).size, 3);
  const nodes = await site.coordinator.ask<NodeView[]>(["node", "list"]);
  const clusterOf = (name: string) =>
    nodes
      .find((node) => node.name === name)
      ?.clusterId?.split("/")
      .at(-1);
  assert.deepEqual(machines.map(clusterOf), ["all", "second", "second"]);
  for (const { name } of jobs) share.release(name);
  for (const job of jobs) await job.end(30_000);
}

async function shrink(share: Share, option: "requeue" | "terminate" | "waitforjobcompletion"): Promise<void> {
  await share.untilNodes("all", 2);
  const jobs = [await share.job(`${option}-a`, "all"), await share.job(`${option}-b`, "all")];
  for (const job of jobs) await share.begun(job, 1);
  await share.resize("all", 1, option);
  if (option === "waitforjobcompletion") {
    const { nodeStateCounts, allocationState } = await share.cluster("all");
    assert.deepEqual([nodeStateCounts.leavingNodeCount, allocationState], [1, "resizing"]);
    for (const { name } of jobs) share.release(name);
    for (const job of jobs) assert.equal((await job.end(30_000)).attempt, 1);
    await share.untilNodes("all", 1);
  } else {
    await share.untilNodes("all", 1, 60_000);
    const states = await Promise.all(jobs.map(async (job) => (await job.show()).executionState));
    assert.deepEqual([...states].sort(), option === "requeue" ? ["queued", "running"] : ["failed", "running"]);
    for (const { name } of jobs) share.release(name);
    for (const [at, job] of jobs.entries()) if (states[at] !== "failed") await job.end(60_000);
  }
  await share.resize("all", 2);
  await share.untilNodes("all", 2);
  assert.equal((await share.cluster("all")).shortage ?? "", "");
}

async function reclaim(site: Site, share: Share): Promise<void> {
  const job = await share.job("lodger", "all");
  const machine = await share.begun(job, 1);
  await site.coordinator.stoker(["node", "reclaim", "-n", machine, "--grace", "2", "--reason", "its owner is back"]);
  const elsewhere = await share.begun(job, 2);
  assert.notEqual(elsewhere, machine);
  const free = async () => {
    const nodes = await site.coordinator.ask<NodeView[]>(["node", "list"]);
    return nodes.find(({ name }) => name === machine)?.clusterId === undefined;
  };
  await until(`${machine} is in no cluster`, free, 30_000 * site.stage.slowness, 250);
  share.release("lodger");
  await job.end(30_000);
  await site.coordinator.stoker(["node", "resume", "-n", machine]);
}

async function setupFails(site: Site, share: Share, stage: Stage): Promise<void> {
  await site.coordinator.stoker(["cluster", "delete", "-w", "lab", "-n", "second", "-y"]);
  await share.resize("all", 0);
  await share.untilNodes("all", 0);
  const body = site.write("third.json", {
    properties: {
      vmSize: "any",
      scaleSettings: { manual: { targetNodeCount: 1 } },
      nodeSetup: {
        mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] },
        setupTask: {
          commandLine: "test -e $AZ_BATCHAI_MOUNT_ROOT/share/mended || { echo driver is missing >&2; exit 3; }",
          stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/share",
        },
      },
    },
  });
  await site.coordinator.stoker(["cluster", "create", "-w", "lab", "-n", "third", "-f", body]);
  const unusable = async () => (await share.cluster("third")).nodeStateCounts.unusableNodeCount === 1;
  await until("its node is unusable", unusable, 40_000 * stage.slowness, 250);
  const [fault] = (await share.cluster("third")).errors;
  assert.match(`${fault?.code} ${fault?.message}`, /SetupTask.*3/);
  writeFileSync(join(share.folder, "mended"), "");
  const nodes = await site.coordinator.ask<NodeView[]>(["node", "list"]);
  const node = nodes.find(({ clusterId }) => clusterId?.endsWith("/third"))?.name ?? "";
  await site.coordinator.stoker(["node", "retry", "-n", node]);
  const job = await share.job("after", "third");
  await share.begun(job, 1);
  share.release("after");
  await job.end(30_000);
  await site.coordinator.stoker(["cluster", "delete", "-w", "lab", "-n", "third", "-y"]);
}
