import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../../shared/gen/stoker/v1/file_server_pb.js";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { CoreWorld, type JobInit } from "../build.js";

/** Real Batch AI bodies, as they stand. */
const folder = join(import.meta.dirname, "../fixtures/recipes");
const body = (name: string) =>
  (JSON.parse(readFileSync(join(folder, name), "utf8")) as { properties: JsonValue }).properties;

function started(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.fileServer("filer", { existing: { host: "filer", export: "/data" } });
  const fileServer = "workspaces/w/fileServers/filer";
  world.send({ kind: "storage-map", source: "*/*", fileServer, path: "{account}/{name}" });
  world.hello("a", { containers: "podman" });
  world.hello("b", { containers: "docker" });
  return world;
}

const jobFiles = readdirSync(folder).filter((name) => /job.*\.json$/.test(name));

test.each(jobFiles)("%s is accepted", (name) => {
  const world = started();
  world.submit("j", spec(name));
  const job = world.job("j");
  expect(job?.spec).toMatchObject({ schedulingPriority: "normal", constraints: { maxWallClockTime: "P7D" } });
  expect(job?.state.kind).toBe("preparing");
});

test.each(["azure-cli-test.auto_scale_cluster_with_azure_files.json", "azure-cli-test.simple_cluster.json"])(
  "%s is accepted",
  (name) => {
    const world = started();
    const result = world.cluster("d", fromJson(ClusterSpecSchema, body(name), { ignoreUnknownFields: true }));
    expect(result.subject).toBeDefined();
  },
);

test("azure-cli-test.file_server.json is accepted where a machine offers to serve files", () => {
  const world = started();
  const given = fromJson(FileServerSpecSchema, body("azure-cli-test.file_server.json"), { ignoreUnknownFields: true });
  expect(() => world.fileServer("d", given)).toThrow(/--serve-files/);
  world.hello("s", { fileServing: { server: "ganesha", folder: "/srv", freeBytes: 2n ** 40n } });
  expect(world.fileServer("d", given).subject).toBeDefined();
});

/** With the cluster, which the command line adds. */
function spec(name: string): JobInit {
  const message = fromJson(JobSpecSchema, body(name), { ignoreUnknownFields: true });
  return { ...message, cluster: { id: "c" } } as JobInit;
}
