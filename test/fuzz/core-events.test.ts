import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clusterView } from "../../coordinator/api/views/cluster.js";
import { jobView } from "../../coordinator/api/views/job.js";
import { nodeView } from "../../coordinator/api/views/node.js";
import type { Event } from "../../coordinator/core/events.js";
import { explain } from "../../coordinator/core/explain.js";
import { Fault } from "../../shared/fault.js";
import {
  HeartbeatSchema,
  HelloSchema,
  LeaseReportSchema,
  PreparationReportSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { ClusterSchema, ClusterSpecSchema, ScaleSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../../shared/gen/stoker/v1/file_server_pb.js";
import { JobSchema, JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { NodeSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { clusterId, experimentId, fileServerId, jobId, nodeId, workspaceId } from "../../shared/ids.js";
import { CoreWorld, ready, uuid } from "../build.js";
import { exportsEvent, servedServer } from "./arbitraries/exports.js";
import { message } from "./arbitraries/message.js";
import { subscriptionEvents } from "./arbitraries/subscriptions.js";
import { hugeText, text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/**
 * The coordinator's core under whatever the wire can carry: a step is taken or refused with a Fault, is over soon, and leaves the laws whole
 * (CoreWorld checks them). What was taken can be shown, loaded again and explained.
 */

const names = ["a", "b", "c"] as const;
/** Of the n-th event, when it makes a job. */
const jobIds = Array.from({ length: 25 }, (_, number) => uuid(number + 50));
const leases = jobIds.flatMap((job) => [`${job}.1`, `${job}.2`]);
const lease = fc.constantFrom(...leases);

const wildJobSpec = message(JobSpecSchema, {
  likely: {
    cluster: fc.constant({ id: "c" }),
    nodeCount: fc.integer({ min: 1, max: 3 }),
    schedulingPriority: fc.constantFrom("", "low", "high"),
    commandLine: fc.constant("true"),
    pythonScriptFilePath: fc.constant("x.py"),
    maxWallClockTime: fc.constantFrom("", "PT1H", "P7D"),
    relativeMountPath: fc.constantFrom("data", "x/y", "../z"),
    name: fc.constantFrom("A", "B", "C_1"),
    id: fc.constantFrom("c", "MODEL", "fs"),
    processCount: fc.integer({ min: 0, max: 5 }),
    workerCount: fc.constantFrom(0, 1, 3, 100_000),
    resources: fc.constantFrom(undefined, { cpus: 1 }),
    containerSettings: fc.constant(undefined),
    memory: fc.constantFrom("", "1g", "16"),
    secretUrl: fc.constantFrom("s", "stoker://w/s", "https://v.vault.azure.net/secrets/s"),
    value: fc.constantFrom("", "v"),
  },
});

/** A good job with a few fields of a wild one: it comes further. */
const jobSpec = fc.oneof(
  wildJobSpec,
  fc
    .tuple(wildJobSpec, fc.subarray([...JobSpecSchema.fields, ...JobSpecSchema.oneofs], { maxLength: 3 }))
    .map(([wild, fields]) => {
      const given = Object.fromEntries(fields.map(({ localName }) => [localName, Reflect.get(wild, localName)]));
      const toolkit = { case: "customToolkitSettings" as const, value: { commandLine: "true" } };
      return create(JobSpecSchema, { cluster: { id: "c" }, nodeCount: 1, resources: { cpus: 1 }, toolkit, ...given });
    }),
);

const id = fc.oneof(
  fc.constantFrom("workspaces/w/clusters/c", "workspaces/w/experiments/e/jobs/j", "nodes/a", "a", "workspaces/w"),
  fc.constantFrom(
    ...["workspaces/w/experiments/e", "workspaces/w/fileServers/fs", "/subscriptions/x/workspaces/w/clusters/c"],
  ),
  text(),
);
const name = fc.oneof(fc.constantFrom("j", "j2", "k", "fs", "e2"), text());

const limit = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer());
const quota = fc.record({ clusters: limit, nodes: limit, gpus: limit, runningJobs: limit }, { requiredKeys: [] });

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("job-create" as const),
      uuid: fc.constant(jobId("")),
      parent: fc.oneof(
        { weight: 8, arbitrary: fc.constant("workspaces/w/experiments/e") },
        { weight: 1, arbitrary: id },
      ),
      name,
      spec: jobSpec,
    }),
  },
  fc.record({
    kind: fc.constant("cluster-create" as const),
    uuid: fc.uuid().map(clusterId),
    parent: id,
    name,
    spec: message(ClusterSpecSchema),
  }),
  fc.record({ kind: fc.constant("cluster-resize" as const), id, scale: message(ScaleSettingsSchema) }),
  fc.record({
    kind: fc.constant("file-server-create" as const),
    uuid: fc.uuid().map(fileServerId),
    parent: id,
    name,
    spec: message(FileServerSpecSchema),
  }),
  fc.record({
    kind: fc.constant("workspace-create" as const),
    uuid: fc.uuid().map(workspaceId),
    name,
    tags: fc.dictionary(text(), text()),
    location: text(),
  }),
  fc.record({ kind: fc.constant("experiment-create" as const), uuid: fc.uuid().map(experimentId), parent: id, name }),
  fc.record({ kind: fc.constant("storage-map" as const), source: text(), fileServer: id, path: text() }),
  fc.record({
    kind: fc.constant("workspace-update" as const),
    id,
    tags: fc.dictionary(text(), text()),
    keepOthers: fc.boolean(),
    removed: fc.array(text(), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("workspace-quota" as const), id, quota }),
  fc.record({
    kind: fc.constant("secret-set" as const),
    workspace: fc.constantFrom(workspaceId(uuid(1)), workspaceId("none")),
    name: fc.oneof(fc.constantFrom("s", "t"), text()),
    sealed: text(),
  }),
  fc.record({
    kind: fc.constantFrom("secret-delete" as const, "workspace-delete" as const, "experiment-delete" as const),
    id: fc.oneof(fc.constantFrom("workspaces/w/secrets/s", "workspaces/w", "workspaces/w/experiments/e"), id),
  }),
  ...subscriptionEvents(id, name),
  fc.record({ kind: fc.constant("machine-class-map" as const), alias: text(), machineClass: text() }),
  fc.record({ kind: fc.constant("machine-class-unmap" as const), alias: text() }),
  fc.record({ kind: fc.constantFrom("node-drain" as const, "node-reclaim" as const), id, reason: text() }),
  fc.record({
    kind: fc.constantFrom(
      "node-resume" as const,
      "node-retry" as const,
      "node-delete" as const,
      "job-terminate" as const,
      "job-delete" as const,
      "cluster-delete" as const,
    ),
    id,
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("agent-hello" as const),
      session: fc.constantFrom("s1", "s2", "s3"),
      freshNode: fc.uuid().map(nodeId),
      hello: message(HelloSchema, {
        likely: {
          nodeName: fc.constantFrom(...names),
          leaseId: lease,
          machineClass: fc.constant("any"),
          cpus: fc.constant(4),
          memoryBytes: fc.constant(1n << 33n),
          inventory: fc.constant({ machineClass: "any", cpus: 4, memoryBytes: 1n << 33n }),
          address: fc.constantFrom("10.0.0.1", "h"),
          bootId: fc.constantFrom("b1", "b2"),
        },
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("agent-heartbeat" as const),
      session: fc.constantFrom("s1", "s2", "s3"),
      node: fc.constantFrom(...names),
      heartbeat: message(HeartbeatSchema, { likely: { leaseId: lease } }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("agent-report" as const),
      session: fc.constantFrom("s1", "s2", "s3"),
      node: fc.constantFrom(...names),
      report: message(LeaseReportSchema, {
        likely: {
          leaseId: lease,
          sequence: fc.bigInt({ min: 1n, max: 9n }),
          code: fc.constantFrom("JobFailed", "NFSMountError"),
        },
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("agent-preparation" as const),
      session: fc.constantFrom("s1", "s2", "s3"),
      node: fc.constantFrom(...names),
      report: message(PreparationReportSchema, {
        likely: { code: fc.constantFrom("SetupTaskFailed", "NFSMountError") },
      }),
    }),
  },
  { weight: 2, arbitrary: exportsEvent },
  fc.record({
    kind: fc.constant("agent-gone" as const),
    session: fc.constantFrom("s1", "s2"),
    node: fc.constantFrom(...names),
  }),
);

function furnished(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 3 } } });
  world.fileServer("fs", { existing: { host: "filer", export: "/x" } });
  world.send({ kind: "secret-set", workspace: workspaceId(uuid(1)), name: "s", sealed: "sealed" });
  for (const each of names) world.hello(each, { fileServing: { server: "ganesha", folder: "/srv", freeBytes: 1n } });
  const spec = create(FileServerSpecSchema, { managed: { node: "a", directory: "/srv/x" } });
  const made = { uuid: fileServerId(servedServer), parent: "workspaces/w", name: "served", spec };
  world.send({ kind: "file-server-create", ...made });
  world.submit("running", { resources: { cpus: 1 } });
  return world;
}

function send(world: CoreWorld, event: Event): void {
  try {
    atWork(event.kind, () => world.send(event));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // It goes out as a header: one line's worth, and whole letters.
    expect(error.message.length).toBeLessThan(2_000);
    expect(() => encodeURI(error.message)).not.toThrow();
  }
}

function showAll({ state, now }: CoreWorld): void {
  for (const job of state.jobs.values()) {
    toBinary(JobSchema, create(JobSchema, jobView(state, job)));
    explain(state, job, now);
  }
  for (const cluster of state.clusters.values())
    toBinary(ClusterSchema, create(ClusterSchema, clusterView(state, cluster)));
  for (const node of state.nodes.values()) toBinary(NodeSchema, create(NodeSchema, nodeView(state, node, undefined)));
}

test("events made of any messages are taken or refused, and the laws hold", () => {
  check(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 0, max: 20_000 }),
      (events, passedMs) => {
        const world = furnished();
        for (const [at, each] of events.entries()) {
          world.now += 100;
          send(world, each.kind === "job-create" ? { ...each, uuid: jobId(jobIds[at] ?? "") } : each);
        }
        world.now += passedMs;
        world.send({ kind: "tick" });
        showAll(world);
        world.restart();
        showAll(world);
      },
    ),
    150,
  );
});

const huge: fc.Arbitrary<Event> = hugeText.chain((long) =>
  fc.constantFrom<Event>(
    { kind: "job-terminate", id: long },
    { kind: "node-drain", id: long, reason: long },
    { kind: "node-drain", id: "a", reason: long },
    { kind: "storage-map", source: long, fileServer: "workspaces/w/fileServers/fs", path: "x" },
    { kind: "storage-map", source: "a/b", fileServer: "workspaces/w/fileServers/fs", path: long },
    { kind: "workspace-create", uuid: workspaceId(uuid(99)), name: long, tags: {}, location: "" },
    { kind: "workspace-update", id: "workspaces/w", tags: { [long]: "x" }, keepOthers: true, removed: [long] },
    { kind: "secret-set", workspace: workspaceId(uuid(1)), name: long, sealed: "x" },
    { kind: "machine-class-map", alias: long, machineClass: long },
    { kind: "workspace-create", uuid: workspaceId(uuid(99)), name: "w2", tags: { [long]: "x" }, location: long },
    {
      kind: "file-server-create",
      uuid: fileServerId(uuid(99)),
      parent: "workspaces/w",
      name: "f",
      spec: create(FileServerSpecSchema, { existing: { host: "h", export: `/${long}` } }),
    },
    {
      kind: "cluster-create",
      uuid: clusterId(uuid(99)),
      parent: "workspaces/w",
      name: "k",
      spec: create(ClusterSpecSchema, { vmSize: long }),
    },
    ...[
      { outputDirectories: [{ id: "M", pathPrefix: long, pathSuffix: long }] },
      { mountVolumes: { unmanagedFileSystems: [{ mountCommand: long, relativeMountPath: long }] } },
      { mountVolumes: { azureFileShares: [{ azureFileUrl: long, relativeMountPath: "x" }] } },
      { mountVolumes: { fileServers: [{ fileServer: { id: "fs" }, sourceDirectory: long, relativeMountPath: "x" }] } },
      { constraints: { maxWallClockTime: long } },
      { resources: { memory: long } },
      { environmentVariables: [{ name: "A", value: long }] },
      { secrets: [{ name: "A", valueSecretReference: { secretUrl: long } }] },
      { stdOutErrPathPrefix: long },
      { toolkit: { case: "customToolkitSettings" as const, value: { commandLine: long } } },
      { toolkit: { case: "customMpiSettings" as const, value: { commandLine: `'${long}` } } },
      { cluster: { id: long } },
    ].map(
      (spec): Event => ({
        kind: "job-create",
        uuid: jobId(uuid(98)),
        parent: "workspaces/w/experiments/e",
        name: "big",
        spec: create(JobSpecSchema, {
          cluster: { id: "c" },
          nodeCount: 1,
          toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } },
          ...spec,
        }),
      }),
    ),
    {
      kind: "agent-hello",
      session: "s9",
      freshNode: nodeId(uuid(97)),
      hello: create(HelloSchema, {
        nodeName: "z",
        bootId: long,
        inventory: { machineClass: "any", os: long, kernel: long, cpus: 1, memoryBytes: 1n },
      }),
    },
    {
      kind: "agent-heartbeat",
      session: "s1",
      node: "a",
      heartbeat: create(HeartbeatSchema, { unhealthyReason: long, leases: [{ leaseId: long }] }),
    },
    {
      kind: "agent-report",
      session: "s1",
      node: "a",
      report: create(LeaseReportSchema, {
        leaseId: `${uuid(7)}.1`,
        sequence: 9n,
        event: {
          case: "failed",
          value: { error: { code: "JobFailed", message: long, details: [{ name: long, value: long }] } },
        },
      }),
    },
  ),
);

test("texts as long as a message are taken or refused at once, and what is kept of them is small", () => {
  check(
    fc.property(huge, (event) => {
      const world = furnished();
      send(world, event);
      atWork("showing", () => showAll(world));
      const node = world.state.nodes.get([...world.state.nodes.keys()][0] ?? nodeId(""));
      expect(JSON.stringify(node).length).toBeLessThan(10_000);
      for (const row of world.rows.all()) {
        const bytes = JSON.stringify(row, (_, value: unknown) =>
          typeof value === "bigint" ? String(value) : value,
        ).length;
        expect(bytes).toBeLessThan(600_000);
      }
    }),
    60,
  );
});

test("a job of as many processes as can be asked for is planned at once", () => {
  for (const toolkit of [
    { case: "tensorFlowSettings" as const, value: { pythonScriptFilePath: "x.py", workerCount: 100_000 } },
    { case: "tensorFlowSettings" as const, value: { pythonScriptFilePath: "x.py", workerCount: 1_000 } },
    { case: "pyTorchSettings" as const, value: { commandLine: "x", processCount: 100_000 } },
    { case: "customMpiSettings" as const, value: { commandLine: "x", processCount: 100_000 } },
  ]) {
    const world = furnished();
    world.checked = false;
    const spec = create(JobSpecSchema, { cluster: { id: "c" }, nodeCount: 1, resources: { cpus: 1 }, toolkit });
    const uuidOfJob = jobId(uuid(90));
    send(world, { kind: "job-create", uuid: uuidOfJob, parent: "workspaces/w/experiments/e", name: "wide", spec });
    const job = world.state.jobs.get(uuidOfJob);
    if (job && "lease" in job.state) {
      const { lease: held } = job.state;
      atWork("ready", () => world.report(held.shares[0]?.nodeName ?? "", held.id, ready));
    }
    showAll(world);
  }
});
