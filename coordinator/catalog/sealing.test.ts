import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { clusterId, experimentId, jobId, workspaceId } from "../../shared/ids.js";
import { testVault } from "../../test/fakes/vault.js";
import type { Change } from "../core/changes.js";
import type { Job } from "../core/state.js";
import { Catalog } from "./catalog.js";
import { sealingKeyOf } from "./copy.js";
import { migrations } from "./migrations/index.js";
import { CatalogRefused } from "./refused.js";

const hidden = "PLAINTEXT-9f8a";
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-sealing-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const spec = create(JobSpecSchema, { nodeCount: 1, secrets: [{ name: "KEY", value: hidden }] });
const clusterSpec = create(ClusterSpecSchema, {
  vmSize: "any",
  userAccountSettings: { adminUserName: "root", adminUserPassword: hidden },
  nodeSetup: {
    setupTask: { commandLine: "true", secrets: [{ name: "S", value: hidden }] },
    mountVolumes: { azureFileShares: [{ azureFileUrl: "u", credentials: { accountKey: hidden } }] },
  },
});

const job: Job = {
  uuid: jobId("6f9619ff-8b86-4011-b42d-00c04fc964ff"),
  experiment: experimentId("e"),
  name: "train",
  spec,
  request: {
    cluster: clusterId("c"),
    nodeCount: 1,
    priority: 1,
    share: { kind: "whole" },
    wallClockMs: 1_000,
    retriesMax: 0,
  },
  createdAt: 1,
  sequence: 1,
  state: { kind: "queued", since: 1 },
  attempt: 0,
  retries: 0,
  machineFaults: 0,
  avoid: [],
  deleting: false,
  events: 1,
};

const put = (table: string, row: object) => ({ kind: "put", table, row }) as Change;
const cluster = {
  uuid: clusterId("c"),
  workspace: workspaceId("w"),
  name: "c",
  spec: clusterSpec,
  createdAt: 1,
  sequence: 1,
  size: { minimum: 0, maximum: 0 },
};

/** The database, its log, and whatever lies beside them, but for copies of earlier schemas. */
function onDisk(): string {
  const files = readdirSync(dir).filter((name) => !name.startsWith("catalog-schema-"));
  expect(files).toContain("catalog.db");
  return files.map((name) => readFileSync(join(dir, name), "latin1")).join("\n");
}

const specsIn = (catalog: Catalog) => [...catalog.load()].flatMap(({ row }) => ("spec" in row ? [row.spec] : []));

it("secrets in specs are nowhere on disk, neither in the file nor in its log, and come back as they were", () => {
  const vault = testVault();
  {
    using catalog = Catalog.open(dir, vault);
    catalog.commit([put("job", job), put("cluster", cluster)]);
    expect(readdirSync(dir)).toContain("catalog.db-wal");
    expect(onDisk()).not.toContain(hidden);
    catalog.commit([put("job", { ...job, spec: create(JobSpecSchema, { ...spec, nodeCount: 2 }) })]);
    expect(onDisk()).not.toContain(hidden);
    expect(onDisk()).toContain("train");
  }
  expect(onDisk()).not.toContain(hidden);
  using catalog = Catalog.open(dir, vault);
  expect(specsIn(catalog)).toEqual([clusterSpec, { ...spec, nodeCount: 2 }]);
});

it("what has no secret is not sealed", () => {
  using catalog = Catalog.open(dir, testVault());
  const plain = create(JobSpecSchema, { nodeCount: 1, stdOutErrPathPrefix: "/a/plain/path" });
  catalog.commit([put("job", { ...job, spec: plain })]);
  expect(onDisk()).toContain("/a/plain/path");
  expect(sealingKeyOf(join(dir, "catalog.db"))).toBeUndefined();
});

it("a catalog of an earlier release is sealed when it is brought up to date, and nothing is left of what was plain", () => {
  const released = 5;
  const old = new Database(join(dir, "catalog.db"));
  old.pragma("journal_mode = WAL");
  for (const sql of migrations.slice(0, released)) old.exec(sql);
  old.pragma(`user_version = ${released}`);
  const insert = old.prepare(
    `INSERT INTO job (uuid, experiment, name, spec, request, created_at, sequence, state, attempt, retries, machine_faults, avoid, deleting, events)
     VALUES (?, 'e', 'train', ?, '{}', 1, ?, '{}', 0, 0, 0, '[]', 0, 1)`,
  );
  for (let at = 0; at < 200; at += 1) insert.run(`job-${at}`, Buffer.from(toBinary(JobSpecSchema, spec)), at);
  old.close();
  expect(onDisk()).toContain(hidden);
  using catalog = Catalog.open(dir, testVault());
  expect(onDisk()).not.toContain(hidden);
  const specs = specsIn(catalog);
  expect(specs).toHaveLength(200);
  expect(specs[199]).toEqual(spec);
});

it("is refused without the key that it was sealed with, while anything is sealed", () => {
  Catalog.open(dir, testVault())[Symbol.dispose]();
  const vault = testVault();
  {
    using catalog = Catalog.open(dir, vault);
    catalog.commit([put("job", job)]);
  }
  expect(sealingKeyOf(join(dir, "catalog.db"))).toBe(vault.key);
  expect(() => Catalog.open(dir, testVault())).toThrow(CatalogRefused);
  expect(() => Catalog.open(dir, testVault())).toThrow(`sealed with key ${vault.key}`);
  using catalog = Catalog.open(dir, vault);
  expect(specsIn(catalog)).toEqual([spec]);
});
