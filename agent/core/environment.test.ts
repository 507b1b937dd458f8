import { expect, it } from "vitest";
import { directoriesOf, environmentOf, rankEnvironmentOf, stdDirectoryOf } from "./environment.js";
import { exampleGrant, exampleRank } from "./example.js";

const places = {
  base: { PATH: "/bin", HOME: "/root" },
  mountRoot: "/data/mounts",
  jobMountsRoot: "/data/job-mounts",
  jobsRoot: "/data/jobs",
  spoolRoot: "/data/spool",
  socket: "/data/agent.sock",
  rsh: "/opt/stoker-rsh",
  commands: "/data/commands",
};
const variable = (name: string, value: string) =>
  ({ $typeName: "stoker.v1.EnvironmentVariable", name, value }) as const;

it("holds what only the node knows, for the coordinator's variables to refer to", () => {
  const grant = exampleGrant({
    environment: [variable("AZ_BATCHAI_INPUT_data", "$AZ_BATCHAI_MOUNT_ROOT/data"), variable("PATH", "/opt:$PATH")],
    gpuUuids: ["GPU-1", "GPU-2"],
  });
  expect(environmentOf(grant, places)).toMatchObject({
    PATH: "/opt:/data/commands:/bin",
    HOME: "/root",
    AZ_BATCHAI_INPUT_data: "/data/mounts/data",
    AZ_BATCHAI_JOB_TEMP: "/data/jobs/workspaces/w/experiments/e/jobs/j",
    AZ_BATCHAI_JOB_MOUNT_ROOT: "/data/job-mounts/workspaces/w/experiments/e/jobs/j",
    AZ_BATCHAI_MPI_HOST_FILE: `/data/spool/${grant.leaseId}/hostfile`,
    CUDA_VISIBLE_DEVICES: "GPU-1,GPU-2",
    STOKER_RSH: "/opt/stoker-rsh",
    STOKER_SOCKET: "/data/agent.sock",
    STOKER_HOSTS: grant.nodes.flatMap(({ name, host }) => [host, name]).join(","),
  });
});

it("leaves secrets as they are, even when they look like references", () => {
  const grant = exampleGrant({ secrets: [variable("USER_NAME", "$oauthtoken")] });
  expect(environmentOf(grant, places).USER_NAME).toBe("$oauthtoken");
});

it("never lets a variable hide a process from the search for it", () => {
  const grant = exampleGrant({
    environment: [variable("STOKER_LEASE", "x")],
    secrets: [variable("STOKER_LEASE", "y")],
  });
  const rank = { ...exampleRank(0), environment: [variable("STOKER_LEASE", "z"), variable("RANK", "0")] };
  const environment = rankEnvironmentOf(environmentOf(grant, places), rank, grant, places);
  expect(environment).toMatchObject({ STOKER_LEASE: grant.leaseId, RANK: "0" });
});

it("expands directories, and takes relative ones in the job's temp", () => {
  const grant = exampleGrant({ directories: ["$OUT//a/", "b", "$OUT/a", "$NOTHING/"], stdDirectory: "${OUT}/std/" });
  const environment = { OUT: "/mnt/out" };
  expect(directoriesOf(grant, environment, "/temp")).toEqual(["/mnt/out/a", "/temp/b", "/mnt/out/std"]);
  expect(stdDirectoryOf(grant, environment, "/temp")).toBe("/mnt/out/std");
  expect(stdDirectoryOf(exampleGrant(), environment, "/temp")).toBe("");
});
