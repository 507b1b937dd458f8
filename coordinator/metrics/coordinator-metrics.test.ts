import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { Registry } from "prom-client";
import { expect, it, vi } from "vitest";
import { HeartbeatSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { jobId } from "../../shared/ids.js";
import { exited, ready } from "../../test/build.js";
import { coordinatorText, coordinatorView, exampleWorld } from "../../test/monitoring/example.js";
import { readExposition, sampleOf } from "../../test/monitoring/exposition.js";
import type { Change } from "../core/changes.js";
import type { Attempt, AttemptState } from "../core/state.js";
import { CommitMetrics, endOf } from "./commits.js";
import { CoordinatorMetrics } from "./coordinator-metrics.js";
import type { CoordinatorView } from "./view.js";

const told = async (world = exampleWorld(), given: Partial<CoordinatorView> = {}) =>
  readExposition(await coordinatorText(coordinatorView(world, given)));

const cluster = "workspaces/w/clusters/c";

it("tells of nodes, GPUs, jobs, queue and leases", async () => {
  const world = exampleWorld();
  world.beat("n1");
  world.beat("n2");
  world.now += 90_000;
  world.beat("n2");
  const families = await told(world);
  expect(sampleOf(families, "stoker_nodes", { state: "running" })).toBe(1);
  expect(sampleOf(families, "stoker_nodes", { state: "idle" })).toBe(1);
  expect(sampleOf(families, "stoker_cluster_nodes", { cluster, state: "idle" })).toBe(1);
  expect(sampleOf(families, "stoker_nodes_connected")).toBe(2);
  expect(sampleOf(families, "stoker_nodes_late")).toBe(1);
  expect(sampleOf(families, "stoker_node_heartbeat_age_seconds", { node: "n1" })).toBe(90);
  expect(sampleOf(families, "stoker_node_heartbeat_age_seconds", { node: "n2" })).toBe(0);
  expect(sampleOf(families, "stoker_gpus")).toBe(4);
  expect(sampleOf(families, "stoker_gpus_taken")).toBe(2);
  expect(sampleOf(families, "stoker_gpu_utilization_ratio", { node: "n1", gpu: "1" })).toBe(0.55);
  expect(sampleOf(families, "stoker_jobs", { state: "preparing" })).toBe(1);
  expect(sampleOf(families, "stoker_queue_jobs", { cluster })).toBe(1);
  expect(sampleOf(families, "stoker_queue_oldest_wait_seconds", { cluster })).toBe(90);
  expect(sampleOf(families, "stoker_leases", { kind: "live" })).toBe(1);
});

it("a GPU that its node calls failed is told as that, and is out of service", async () => {
  const world = exampleWorld();
  const fault = { uuid: "n2-gpu-1", state: "failed", rule: "xid-79", message: "gone" };
  const heartbeat = create(HeartbeatSchema, { sequence: 1n, gpuFaults: [fault] });
  world.send({ kind: "agent-heartbeat", session: "s2", node: "n2", heartbeat });
  const families = await told(world);
  expect(sampleOf(families, "stoker_gpu_state", { uuid: "n2-gpu-1", state: "failed" })).toBe(1);
  expect(sampleOf(families, "stoker_gpu_state", { uuid: "n2-gpu-0", state: "healthy" })).toBe(1);
  expect(sampleOf(families, "stoker_gpus_out_of_service")).toBe(1);
});

it("nothing is measured of a node that is not connected", async () => {
  const world = exampleWorld();
  const { sessions } = coordinatorView(world);
  const families = await told(world, { sessions: { ...sessions, reaches: (node) => node === "n2" } });
  expect(() => sampleOf(families, "stoker_gpu_power_watts", { node: "n1", gpu: "0" })).toThrow("0 samples");
  expect(() => sampleOf(families, "stoker_node_cpu_used_ratio", { node: "n1" })).toThrow("0 samples");
  expect(sampleOf(families, "stoker_gpu_memory_bytes", { node: "n1", gpu: "0" })).toBe(0);
  expect(sampleOf(families, "stoker_nodes_connected")).toBe(1);
});

it("tells of its own troubles", async () => {
  const well = await told();
  const { engine } = coordinatorView(exampleWorld());
  const ill = await told(exampleWorld(), {
    engine: { ...engine, readOnly: "the disk takes no rows", backlog: 7 },
    ...{ room: { low: "little is left" }, nats: { problem: "not connected" } },
  });
  const of = (families: typeof well) =>
    ["stoker_read_only", "stoker_disk_low", "stoker_nats_up", "stoker_events_waiting"].map((name) =>
      sampleOf(families, name),
    );
  expect(of(well)).toEqual([0, 0, 1, 0]);
  expect(of(ill)).toEqual([1, 1, 0, 7]);
  expect(sampleOf(well, "stoker_log_ingest_bytes_total")).toBe(12_345);
});

it("counts attempts and times commits as they get to the disk", async () => {
  const registry = new Registry();
  let refuses = false;
  const metrics = new CommitMetrics(registry);
  const rows = {
    commit: (changes: readonly Change[]) =>
      metrics.timed(changes, () => {
        if (refuses) throw new Error("full");
      }),
  };
  const world = exampleWorld(1, 0);
  const commit = (step: ReturnType<typeof world.send>) => rows.commit(step.changes);
  commit(world.submit("again", {}));
  const job = world.job("runs");
  const lease = `${job?.uuid}.1`;
  world.report("n1", lease, ready);
  commit(world.report("n1", lease, exited(0, 0)));
  commit(world.report("n1", lease, { case: "done", value: {} }));
  const families = async () => readExposition(await registry.metrics());
  expect(sampleOf(await families(), "stoker_attempts_ended_total", { outcome: "succeeded" })).toBe(1);
  expect(sampleOf(await families(), "stoker_attempts_ended_total", { outcome: "lost" })).toBe(0);
  expect(sampleOf(await families(), "stoker_attempts_started_total")).toBe(1);
  expect(sampleOf(await families(), "stoker_catalog_commit_duration_seconds_count")).toBe(3);
  rows.commit([]);
  refuses = true;
  expect(() => commit(world.submit("more", {}))).toThrow("full");
  expect(sampleOf(await families(), "stoker_catalog_commit_duration_seconds_count")).toBe(3);
  expect(sampleOf(await families(), "stoker_catalog_commit_failures_total")).toBe(1);
});

it.each<[AttemptState, number | undefined, string]>([
  ["succeeded", 0, "succeeded"],
  ["failed", 1, "failed"],
  ["failed", undefined, "machine-failed"],
  ["lost", undefined, "lost"],
  ["terminated", undefined, "terminated"],
])("an attempt that is %s, with exit code %s, ended as %s", (state, exitCode, end) => {
  const attempt: Attempt = {
    ...{ job: jobId("00000000-0000-4000-8000-000000000001"), number: 1, nodes: [], startedAt: 1, reason: "" },
    ...{ state, rankCount: 1, exits: [], ...(exitCode === undefined ? {} : { exitCode }) },
  };
  expect(endOf(attempt)).toBeUndefined();
  expect(endOf({ ...attempt, endedAt: 2 })).toBe(end);
});

it("watches rows only for who wants to know", async () => {
  const log = pino({ level: "silent" });
  const made = (listen: string) =>
    new CoordinatorMetrics({ listen, dataDir: "/", log }, () => coordinatorView(exampleWorld()));
  const commit = vi.fn();
  const none = made("");
  expect(none.watch({ commit }).commit).toBe(commit);
  await none.listen();
  expect(none.address).toBeUndefined();
  const some = made("127.0.0.1:0");
  const rows = some.watch({ commit });
  try {
    const { changes } = exampleWorld(1, 0).submit("again", {});
    rows.commit(changes);
    await some.listen();
    rows.commit(changes);
    expect(commit).toHaveBeenCalledTimes(2);
    const families = readExposition(await (await fetch(`http://${some.address}/metrics`)).text());
    expect(sampleOf(families, "stoker_catalog_commit_duration_seconds_count")).toBe(1);
  } finally {
    some.close();
  }
});
