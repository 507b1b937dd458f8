import { beforeEach, expect, test } from "vitest";
import { sourcesOf } from "../../coordinator/core/files/sources.js";
import { targetOf } from "../../coordinator/core/files/target.js";
import type { LeaseId } from "../../shared/ids.js";
import { CoreWorld, type JobInit, ready } from "../build.js";

let world: CoreWorld;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  for (const name of ["a", "b", "x"]) world.hello(name);
});

const id = "workspaces/w/experiments/e/jobs/j";
const spec: JobInit = {
  stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nfs/",
  outputDirectories: [{ id: "MODEL", pathPrefix: "$DATA", pathSuffix: "model" }],
  environmentVariables: [{ name: "DATA", value: "/data" }],
  secrets: [{ name: "KEY", value: "geheim" }],
};

function run(init: JobInit = spec): LeaseId {
  world.submit("j", init);
  const state = world.job("j")?.state;
  if (!state || !("lease" in state)) throw new Error("it has no lease");
  return state.lease.id;
}

const sources = (directoryId: string) => {
  const job = world.job("j");
  if (!job) throw new Error("there is no job");
  return sourcesOf(world.state, { kind: "job", job: job.uuid, directoryId });
};
const target = (asked: Partial<Parameters<typeof targetOf>[1] & object>) =>
  targetOf(world.state, { nodeId: "", clusterId: "", jobId: "", ...asked });

test("a directory is what the user chose, and below that what Stoker made of it; no secret goes along", () => {
  run();
  const std = sources("stdouterr").place;
  const uuid = world.job("j")?.uuid;
  expect(std).toMatchObject({ base: "$AZ_BATCHAI_MOUNT_ROOT/nfs/", below: `${id}/${uuid}/stdouterr` });
  expect(sources("MODEL").place).toMatchObject({ base: "$DATA/", below: `${id}/${uuid}/outputs/model` });
  // Read as their submitter's account; nobody's are read without links.
  expect(std).toMatchObject({ submittedBy: "", withoutLinks: false });
  expect(std.environment).toContainEqual({ name: "DATA", value: "/data" });
  expect(JSON.stringify(std)).not.toContain("geheim");
  expect(() => sources("NOPE")).toThrow(
    "the specified outputDirectoryId NOPE is not one of the job's, which are: stdouterr, MODEL",
  );
});

test("its node is asked first, then the cluster's others, then the rest; also after the job has ended", () => {
  const lease = run();
  expect(sources("MODEL")).toMatchObject({ owners: ["a"], others: ["b", "x"] });
  const before = sources("MODEL").place;
  world.report("a", lease, ready);
  world.report("a", lease, { case: "rankExited", value: { rank: 0, exitCode: 0 } });
  world.report("a", lease, { case: "done", value: {} });
  expect(world.job("j")?.state.kind).toBe("finished");
  expect(sources("MODEL")).toMatchObject({ owners: ["a"], others: ["b", "x"] });
  expect(sources("MODEL").place).toMatchObject({
    base: before.base,
    below: before.below,
    environment: before.environment,
  });
});

test("volumes that a command mounts, or a key opens, are for nodes of its cluster alone: not for whoever is named", () => {
  const mounts = { relativeMountPath: "m", mountCommand: "mount --bind /x" };
  run({
    ...spec,
    stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/m",
    mountVolumes: { unmanagedFileSystems: [mounts] },
  });
  const { place, placeElsewhere, members, owners, others } = sources("stdouterr");
  expect([owners, others, [...members]]).toEqual([["a"], ["b"], ["a", "b"]]);
  expect(place.jobMounts).toMatchObject([{ kind: { case: "command" } }]);
  expect(placeElsewhere).toEqual({ ...place, jobMounts: [] });
  const credentials = { accountKey: "key" };
  const share = { relativeMountPath: "f", azureFileUrl: "https://a.file.core.windows.net/s", credentials };
  world.submit("k", { ...spec, mountVolumes: { azureFileShares: [share] } });
  const job = world.job("k")?.uuid;
  if (!job) throw new Error("there is no job");
  expect(sourcesOf(world.state, { kind: "job", job, directoryId: "stdouterr" }).others).not.toContain("x");
});

test("a job without a directory for its std files says where they are", () => {
  run({});
  expect(() => sources("stdouterr")).toThrow(/stoker job logs/);
});

test("a node is meant by itself, or as one of a cluster or a running job", () => {
  expect(target({ nodeId: "x" })).toEqual({ node: "x", leaseId: "" });
  expect(target({ clusterId: "workspaces/w/clusters/c" })).toEqual({ node: "a", leaseId: "" });
  expect(target({ clusterId: "workspaces/w/clusters/c", nodeId: "nodes/b" })).toEqual({ node: "b", leaseId: "" });
  expect(() => target({ clusterId: "workspaces/w/clusters/c", nodeId: "nodes/x" })).toThrow(/x is not a node of/);
  const lease = run();
  expect(target({ jobId: id })).toEqual({ node: "a", leaseId: lease });
  expect(() => target({ jobId: id, nodeId: "nodes/b" })).toThrow(/b is not a node of job .* runs on a$/);
  expect(() => target({})).toThrow(/no node, cluster or job is named/);
  world.send({ kind: "job-terminate", id });
  expect(() => target({ jobId: id })).toThrow(/runs on no node/);
});
