import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { FilePlaceSchema } from "../../shared/gen/stoker/v1/relay_pb.js";
import { locate } from "./place.js";

const places = {
  ...{ base: {}, mountRoot: "/d/mounts", jobMountsRoot: "/d/job-mounts", jobsRoot: "/d/jobs", spoolRoot: "/d/spool" },
  ...{ socket: "", rsh: "", commands: "" },
};
const command = { case: "command" as const, value: { command: "mount" } };
const plan = (relativeMountPath: string) => ({ relativeMountPath, kind: command });
const place = (given: MessageInitShape<typeof FilePlaceSchema>) =>
  locate(create(FilePlaceSchema, { below: "segment/stdouterr", jobPathSegment: "w/j", ...given }), places);

test("on a volume of the cluster it is confined to that volume, whatever of the path the user chose", () => {
  const found = place({ base: "$AZ_BATCHAI_MOUNT_ROOT/nfs/mine", clusterMounts: [plan("nfs"), plan("other")] });
  expect(found).toMatchObject({ kind: "volume", level: "cluster", root: "/d/mounts", base: "/d/mounts/nfs" });
  expect(found).toMatchObject({ below: "mine/segment/stdouterr", plans: [{ relativeMountPath: "nfs" }] });
});

test("of volumes inside one another all that hold it are needed, and the innermost confines it", () => {
  const found = place({ base: "$AZ_BATCHAI_MOUNT_ROOT/a/b", clusterMounts: [plan("a"), plan("a/b"), plan("a/bc")] });
  expect(found).toMatchObject({ base: "/d/mounts/a/b", below: "segment/stdouterr" });
  expect(found).toMatchObject({ plans: [{ relativeMountPath: "a" }, { relativeMountPath: "a/b" }] });
});

test("a volume of the job is under the job's root", () => {
  const found = place({ base: "$AZ_BATCHAI_JOB_MOUNT_ROOT/nfs", jobMounts: [plan("nfs")] });
  expect(found).toMatchObject({
    kind: "volume",
    level: "job",
    root: "/d/job-mounts/w/j",
    base: "/d/job-mounts/w/j/nfs",
  });
});

test("a mount root without its volume, a path of one's own and the job's temp are the node's disk", () => {
  expect(place({ base: "$AZ_BATCHAI_MOUNT_ROOT/nfs" })).toEqual({
    kind: "own-disk",
    base: "/d/mounts/nfs",
    below: "segment/stdouterr",
  });
  expect(place({ base: "/data/out/" })).toMatchObject({ kind: "own-disk", base: "/data/out" });
  expect(place({ base: "out" })).toMatchObject({ kind: "own-disk", base: "/d/jobs/w/j/out" });
});

test("the job's own variables are filled in", () => {
  const environment = [{ name: "DATA", value: "$AZ_BATCHAI_MOUNT_ROOT/nfs" }];
  expect(place({ base: "$DATA/x", environment, clusterMounts: [plan("nfs")] })).toMatchObject({
    base: "/d/mounts/nfs",
  });
});
