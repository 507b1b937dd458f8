import { expect, it } from "vitest";
import { Fault } from "../../shared/fault.js";
import { CoreWorld, type JobInit } from "../../test/build.js";
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
