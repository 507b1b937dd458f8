import { join } from "node:path";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bearer } from "../../shared/credentials.js";
import { ExecutionState } from "../../shared/gen/stoker/v1/job_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";

let coordinator: CoordinatorProcess;
beforeEach(() => {
  coordinator = new CoordinatorProcess();
});
afterEach(() => coordinator.dispose());

describe("stoker-coordinator", () => {
  it("keeps every acknowledged job through kill -9, and starts again on the same address", async () => {
    expect(await coordinator.start()).toBe("ready");
    await coordinator.furnish();
    const { jobs } = coordinator;
    const acknowledged: string[] = [];
    const submit = async (client: number) => {
      for (let count = 0; ; count++) {
        const { job } = await jobs.createJob({ ...inExperiment, name: `j${client}-${count}`, spec: tinyJob() });
        acknowledged.push(job?.name ?? "");
        if (acknowledged.length === 40) await coordinator.end("SIGKILL");
      }
    };
    await Promise.allSettled([0, 1, 2, 3].map(submit));
    expect(acknowledged.length).toBeGreaterThanOrEqual(40);

    expect(await coordinator.start()).toBe("ready");
    const listed = await coordinator.jobs.listJobs(inExperiment);
    expect(listed.jobs.map(({ name }) => name)).toEqual(expect.arrayContaining(acknowledged));
    expect(listed.jobs.every(({ executionState }) => executionState === ExecutionState.QUEUED)).toBe(true);
    expect(await coordinator.end("SIGTERM")).toBe(0);
  });

  it("refuses who has no token or another's, but tells everybody whether it is healthy", async () => {
    await coordinator.start();
    const list = coordinator.client(WorkspaceService, "wrong").listWorkspaces({});
    await expect(list).rejects.toMatchObject({ code: "unauthenticated" });
    expect(await raw(coordinator.address, "/grpc.health.v1.Health/Check", Buffer.alloc(0))).toEqual(
      Buffer.from([8, 1]),
    );
  });

  it("gives the same job for the same idempotency key, and refuses another body", async () => {
    await coordinator.start();
    await coordinator.furnish();
    const { jobs } = coordinator;
    const request = { ...inExperiment, name: "j", idempotencyKey: "k1", spec: tinyJob() };
    const first = await jobs.createJob(request);
    await coordinator.end("SIGKILL");
    await coordinator.start();
    const again = await coordinator.jobs.createJob(request);
    expect(again.job?.uuid).toBe(first.job?.uuid);
    const other = coordinator.jobs.createJob({ ...request, spec: tinyJob("false") });
    await expect(other).rejects.toMatchObject({ code: "already-exists" });
  });

  it("pages through jobs in the order of submission while others come and go", async () => {
    await coordinator.start();
    await coordinator.furnish();
    const { jobs } = coordinator;
    for (const name of ["c", "a", "b", "d"]) await jobs.createJob({ ...inExperiment, name, spec: tinyJob() });
    const first = await jobs.listJobs({ ...inExperiment, pageSize: 2 });
    expect(first.jobs.map(({ name }) => name)).toEqual(["c", "a"]);
    await jobs.deleteJob({ id: "workspaces/w/experiments/e/jobs/a" });
    await jobs.createJob({ ...inExperiment, name: "e", spec: tinyJob() });
    const rest = await jobs.listJobs({ ...inExperiment, pageToken: first.nextPageToken });
    expect(rest.jobs.map(({ name }) => name)).toEqual(["b", "d", "e"]);
    expect(rest.nextPageToken).toBe("");
    await expect(jobs.listJobs({ ...inExperiment, pageSize: -3 })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(jobs.listJobs({ ...inExperiment, pageToken: "x" })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  it("answers bad requests with a code and one sentence, and goes on", async () => {
    await coordinator.start();
    await coordinator.furnish();
    const { jobs } = coordinator;
    const huge = tinyJob("x".repeat(5 * 1024 * 1024));
    const refused: Array<[Promise<unknown>, string]> = [
      [jobs.getJob({ id: "nonsense" }), "invalid-argument"],
      [jobs.getJob({ id: "workspaces/w/experiments/e/jobs/none" }), "not-found"],
      [jobs.createJob({ ...inExperiment, name: "bad name", spec: tinyJob() }), "invalid-argument"],
      [jobs.createJob({ ...inExperiment, name: "j" }), "invalid-argument"],
      [jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob(), idempotencyKey: "a b" }), "invalid-argument"],
      [jobs.createJob({ ...inExperiment, name: "j", spec: huge }), "resource-exhausted"],
      [coordinator.client(NodeService).drainNode({ id: "nodes/none" }), "not-found"],
    ];
    await Promise.all(refused.map(([call, code]) => expect(call).rejects.toMatchObject({ code })));
    expect((await jobs.listJobs(inExperiment)).jobs).toEqual([]);
  });

  it("never shows a secret", async () => {
    await coordinator.start();
    await coordinator.furnish();
    const secrets = [{ name: "KEY", value: "s3cret" }];
    const { jobs } = coordinator;
    const created = await jobs.createJob({ ...inExperiment, name: "j", spec: { ...tinyJob(), secrets } });
    const { job } = await jobs.getJob({ id: created.job?.id ?? "" });
    expect(job?.spec?.secrets).toMatchObject([{ name: "KEY", value: "" }]);
  });

  it("refuses a newer catalog with an exit code of its own", async () => {
    await coordinator.start();
    await coordinator.end("SIGTERM");
    const db = new Database(join(coordinator.dataDir, "catalog.db"));
    db.pragma("user_version = 999");
    db.close();
    expect(await coordinator.start()).toBe(78);
    expect(coordinator.output).toMatch(/^stoker-coordinator: .*newer Stoker.*\n$/);
  });

  it("refuses a data folder that another coordinator has, and settings that mean nothing", async () => {
    await coordinator.start();
    const second = new CoordinatorProcess();
    try {
      expect(await second.start(["--data-dir", coordinator.dataDir])).toBe(2);
      expect(second.output).toContain("another coordinator runs");
      expect(await second.start(["--log-level", "loud"])).toBe(2);
      expect(await second.start(["--listen", coordinator.address])).toBe(2);
      expect(second.output).toContain("cannot listen");
    } finally {
      await second.dispose();
    }
  });

  it("describes its services by reflection, to who has the token", async () => {
    await coordinator.start();
    // list_services = "*"
    const request = Buffer.from([0x3a, 1, 0x2a]);
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const answer = await raw(coordinator.address, path, request, coordinator.token);
    expect(answer.toString("latin1")).toContain("stoker.v1.JobService");
    expect(answer.toString("latin1")).toContain("stoker.v1.NodeService");
    await expect(raw(coordinator.address, path, request)).rejects.toMatchObject({ code: 16 });
  });
});

/** The first answer of a call, in bytes, as a client without our schema sees it. */
async function raw(address: string, path: string, request: Buffer, token?: string): Promise<Buffer> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const call = client.makeBidiStreamRequest(path, same, same, token === undefined ? new Metadata() : bearer(token));
  try {
    return await new Promise((resolve, reject) => {
      call.on("data", resolve);
      call.on("error", reject);
      call.write(request);
      if (path.includes("Health")) call.end();
    });
  } finally {
    call.cancel();
    client.close();
  }
}
