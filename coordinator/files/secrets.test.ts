import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { Fault } from "../../shared/fault.js";
import { ScaleSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { CoreWorld, exited, type JobInit, ready } from "../../test/build.js";
import { withOpened, withSealed } from "../core/secrets/reference.js";
import { type FilePurpose, StoredFiles } from "./stored-files.js";

it("a node that is asked for a file gets the keys of its volumes, and paths are left as they are", async () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  const [workspace] = world.state.workspaces.keys();
  if (workspace === undefined) throw new Error("there is no workspace");
  world.send({ kind: "secret-set", workspace, name: "s", sealed: "xyz" });
  world.submit("j", {
    stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/f",
    mountVolumes: {
      azureFileShares: [
        {
          azureFileUrl: "https://a.file.core.windows.net/s",
          relativeMountPath: "f",
          credentials: { accountKeySecretReference: { secretUrl: "s" } },
        },
      ],
    },
  } as JobInit);
  const asked: FilePurpose[] = [];
  const files = new StoredFiles({
    state: () => world.state,
    reaches: () => true,
    ask: (_node, purpose) => {
      asked.push(purpose);
      return Promise.reject(new Fault("not-found", "no file"));
    },
    open: (place) => withOpened(withSealed(world.state, place), (_, sealed) => `[${sealed}]`),
  });
  const job = world.job("j")?.uuid;
  if (job === undefined) throw new Error("there is no job");
  const path = `\uFDD0${workspace} s\uFDD1`;
  const page = { most: 10, after: "" };
  const listed = files.list({ kind: "job", job, directoryId: "stdouterr" }, path, page, new AbortController().signal);
  await expect(listed).rejects.toThrow("no file");
  expect(asked[0]?.value.path).toBe(path);
  expect(JSON.stringify(asked[0]?.value.place.jobMounts)).toContain("[xyz]");
});

it("a node that has left the job's cluster is asked for what is on its own disk, and runs no command of the job's; others are asked for all", async () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  const scale = (targetNodeCount: number) => ({ scaleSettings: { manual: { targetNodeCount } } });
  world.cluster("c", scale(1));
  world.hello("a");
  world.submit("j", {
    stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/m",
    mountVolumes: { unmanagedFileSystems: [{ mountCommand: "mount --bind /x", relativeMountPath: "m" }] },
  } as JobInit);
  const job = world.job("j")?.uuid;
  if (job === undefined) throw new Error("there is no job");
  world.report("a", `${job}.1`, ready);
  world.report("a", `${job}.1`, exited(0, 0));
  world.report("a", `${job}.1`, { case: "done", value: {} });
  const asked: Array<[string, number, boolean]> = [];
  const files = new StoredFiles({
    state: () => world.state,
    reaches: () => true,
    ask: (node, { value }) => {
      asked.push([node, value.place.jobMounts.length, value.place.ownDisk]);
      return Promise.reject(new Fault("not-found", `nothing on ${node}`));
    },
    open: (place) => place,
  });
  const look = (node: string) =>
    files.open({ kind: "job", job, directoryId: "stdouterr" }, "x", { offset: 0n, node }, new AbortController().signal);
  world.send({
    kind: "cluster-resize",
    id: "workspaces/w/clusters/c",
    scale: create(ScaleSettingsSchema, scale(0).scaleSettings),
  });
  world.cluster("d", scale(1));
  world.hello("b");
  await expect(look("b")).rejects.toThrow("node b is not of its cluster, whose nodes alone mount its volumes");
  await expect(look("")).rejects.toThrow("nothing on a");
  expect(asked).toEqual([["a", 0, true]]);
  world.send({
    kind: "cluster-resize",
    id: "workspaces/w/clusters/c",
    scale: create(ScaleSettingsSchema, scale(1).scaleSettings),
  });
  await expect(look("")).rejects.toThrow("nothing on b");
  expect(asked.slice(1)).toEqual([
    ["a", 0, true],
    ["b", 1, false],
  ]);
});
