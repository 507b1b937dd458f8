import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { clusterId, experimentId, jobId, nodeId, workspaceId } from "../../shared/ids.js";
import { testVault } from "../../test/fakes/vault.js";
import type { Change } from "../core/changes.js";
import type { Attempt, Job, Node } from "../core/state.js";
import { Catalog } from "./catalog.js";
import { lockFolder } from "./lock.js";
import { migrate } from "./migrate.js";
import access from "./migrations/015-access.sql";
import { migrations } from "./migrations/index.js";
import { CatalogRefused } from "./refused.js";

let dir: string;
const vault = testVault();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-catalog-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const uuid = jobId("6f9619ff-8b86-4011-b42d-00c04fc964ff");

const makeJob = (changes: Partial<Job> = {}): Job => ({
  uuid,
  experiment: experimentId("e"),
  name: "train",
  spec: create(JobSpecSchema, { nodeCount: 2, secrets: [{ name: "KEY", value: "s3cret" }] }),
  request: {
    cluster: clusterId("c"),
    nodeCount: 2,
    priority: 1,
    share: { kind: "whole" },
    wallClockMs: 1_000,
    retriesMax: 0,
  },
  createdAt: 1_700_000_000_000,
  sequence: 1,
  state: { kind: "queued", since: 1_700_000_000_000 },
  attempt: 0,
  retries: 0,
  machineFaults: 0,
  avoid: [],
  deleting: false,
  events: 1,
  ...changes,
});

const attempt: Attempt = {
  job: uuid,
  number: 1,
  state: "lost",
  nodes: [{ name: "n1", address: "10.0.0.1", gpuUuids: ["GPU-1"] }],
  startedAt: 5,
  reason: "n1 fell silent",
  rankCount: 2,
  exits: [{ rank: 0, node: nodeId("n"), exitCode: 0, signal: 0, stdoutBytes: 5, stderrBytes: 0 }],
};

const node: Node = {
  uuid: nodeId("n"),
  name: "n1",
  address: "10.0.0.1",
  agentVersion: "0.1.0",
  bootId: "b",
  inventory: {
    machineClass: "m",
    os: "",
    kernel: "",
    cpus: 4,
    cpuModel: "",
    memoryBytes: 1,
    gpus: [],
    driverVersion: "",
    cudaVersion: "",
  },
  enrolledAt: 1,
  sequence: 1,
  zombies: [],
};

const put = (table: string, row: object) => ({ kind: "put", table, row }) as Change;

function rowsOf(catalog: Catalog, table: string) {
  return [...catalog.load()].filter((each) => each.table === table).map((each) => each.row);
}

describe("Catalog", () => {
  it("gives back after a restart what it was given, field by field", () => {
    const job = makeJob({ startedAt: 7, avoid: [nodeId("n")] });
    const workspace = { uuid: workspaceId("w"), name: "w", tags: { a: "b" }, location: "", createdAt: 1 };
    const key = { scope: "job of e", key: "a b", digest: "d", resource: uuid, at: 1 };
    {
      using catalog = Catalog.open(dir, vault);
      catalog.commit([
        put("workspace", workspace),
        put("job", job),
        put("attempt", attempt),
        put("job-event", { job: uuid, number: 1, at: 1, message: "queued" }),
        put("node", { ...node, cluster: clusterId("c"), drained: { reason: "fan", since: 3 } }),
        put("idempotency-key", key),
        { kind: "liveness", node: node.uuid, liveness: undefined, roomChanged: false },
      ]);
    }
    using catalog = Catalog.open(dir, vault);
    expect(rowsOf(catalog, "job")).toEqual([job]);
    expect(rowsOf(catalog, "workspace")).toEqual([workspace]);
    expect(rowsOf(catalog, "attempt")).toEqual([attempt]);
    expect(rowsOf(catalog, "node")).toEqual([{ ...node, cluster: "c", drained: { reason: "fan", since: 3 } }]);
    expect(rowsOf(catalog, "idempotency-key")).toEqual([key]);
    // History in words is not kept in memory.
    expect(rowsOf(catalog, "job-event")).toEqual([]);
  });

  it("takes a later row of the same key, with the spec as it is or another", () => {
    const job = makeJob();
    const later = { ...job, attempt: 1 };
    const other = { ...later, attempt: 2, spec: create(JobSpecSchema, { nodeCount: 9 }) };
    {
      using catalog = Catalog.open(dir, vault);
      catalog.commit([put("job", job)]);
      catalog.commit([put("job", later)]);
      expect(rowsOf(catalog, "job")).toEqual([later]);
      catalog.commit([put("job", other)]);
    }
    using catalog = Catalog.open(dir, vault);
    expect(rowsOf(catalog, "job")).toEqual([other]);
  });

  it("writes a spec again that was thought written when the commit failed", () => {
    const job = makeJob();
    using catalog = Catalog.open(dir, vault);
    const bad = put("job", { ...makeJob(), name: undefined });
    expect(() => catalog.commit([put("job", job), bad])).toThrow("NOT NULL");
    expect(rowsOf(catalog, "job")).toEqual([]);
    catalog.commit([put("job", { ...job, attempt: 3 })]);
    expect(rowsOf(catalog, "job")).toEqual([{ ...job, attempt: 3 }]);
  });

  it("deletes a job with its attempts and events, and keys by their text", () => {
    const key = { scope: "job of e", key: "a b", digest: "d", resource: uuid, at: 1 };
    using catalog = Catalog.open(dir, vault);
    const event = { job: uuid, number: 1, at: 1, message: "queued" };
    catalog.commit([
      put("job", makeJob()),
      put("attempt", attempt),
      put("job-event", event),
      put("idempotency-key", key),
    ]);
    catalog.commit([
      { kind: "delete", table: "job", key: uuid },
      { kind: "delete", table: "idempotency-key", key: "job of e a b" },
    ]);
    expect([...catalog.load()]).toEqual([]);
    using db = openRaw();
    expect(db.raw.prepare("SELECT count(*) AS n FROM job_event").get()).toEqual({ n: 0 });
  });

  it("refuses a newer schema and says what to do", () => {
    Catalog.open(dir, vault)[Symbol.dispose]();
    {
      using db = openRaw();
      db.raw.pragma("user_version = 999");
    }
    expect(() => Catalog.open(dir, vault)).toThrow(CatalogRefused);
    expect(() => Catalog.open(dir, vault)).toThrow(/schema 999.*newer Stoker/);
  });

  it("refuses a damaged file", () => {
    writeFileSync(join(dir, "catalog.db"), "this is no database, and long enough to be looked at ".repeat(200));
    expect(() => Catalog.open(dir, vault)).toThrow(/damaged/);
  });

  it("syncs at every commit", () => {
    using catalog = Catalog.open(dir, vault);
    expect(catalog.durability()).toEqual({ journal: "wal", synchronous: 2 });
  });
});

describe("lockFolder", () => {
  it("lets one coordinator in at a time", () => {
    const first = lockFolder(dir);
    expect(() => lockFolder(dir)).toThrow("another coordinator runs");
    first[Symbol.dispose]();
    lockFolder(dir)[Symbol.dispose]();
  });
});

function openRaw() {
  const raw = new Database(join(dir, "catalog.db"));
  return { raw, [Symbol.dispose]: () => void raw.close() };
}

it("knows the tokens of a catalog from before certificates", () => {
  const path = join(dir, "catalog.db");
  const db = new Database(path);
  migrate(db, migrations.slice(0, migrations.indexOf(access) + 1), path);
  db.exec("INSERT INTO user VALUES ('u', 'ada', '', 1, 0, NULL, NULL, NULL, NULL)");
  db.exec("INSERT INTO api_token VALUES ('t', 'u', 'nightly', 'h', 1, NULL, 5)");
  db.close();
  using catalog = Catalog.open(dir, vault);
  const tokens = [...catalog.load()].flatMap((change) => (change.table === "api-token" ? [change.row] : []));
  expect(tokens).toEqual([
    { uuid: "t", user: "u", kind: "token", name: "nightly", hash: "h", createdAt: 1, usedAt: 5 },
  ]);
});
