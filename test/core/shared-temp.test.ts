import { expect, test } from "vitest";
import { CoreWorld, type JobInit } from "../build.js";

/** Where $AZ_BATCHAI_SHARED_JOB_TEMP is, of what a job names. */
function sharedTemp(spec: JobInit): string {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.fileServer("nas", { existing: { host: "nas.lab", export: "/data" } });
  world.cluster("c", {
    scaleSettings: { manual: { targetNodeCount: 2 } },
    nodeSetup: { mountVolumes: { fileServers: [{ fileServer: { id: "nas" }, relativeMountPath: "external/" }] } },
  });
  world.hello("a");
  world.hello("b");
  const { effects } = world.submit("j", { nodeCount: 2, ...spec });
  const grants = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  const values = grants.map(({ environment, directories }) => {
    const value = environment.find(({ name }) => name === "AZ_BATCHAI_SHARED_JOB_TEMP")?.value ?? "";
    expect(directories).toContain(value);
    return value.replace(/workspaces\/.*\/jobs\/j\/[-0-9a-f]+/, "SEGMENT");
  });
  expect(new Set(values).size).toBe(1);
  return values[0] ?? "";
}

const logs = "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs";
const onNas = { fileServer: { id: "nas" }, relativeMountPath: "logs" };

test.each<[string, JobInit, string]>([
  [
    "beside the std files",
    { stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/external/x" },
    "$AZ_BATCHAI_MOUNT_ROOT/external/x",
  ],
  ["on a volume of the job's own", { stdOutErrPathPrefix: logs, mountVolumes: { fileServers: [onNas] } }, logs],
  ["on a path of the site", { stdOutErrPathPrefix: "/home/me" }, "/home/me"],
  [
    "beside the outputs when the logs stay on the node",
    {
      stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_TEMP_DIR",
      outputDirectories: [{ id: "OUT", pathPrefix: "${AZ_BATCHAI_MOUNT_ROOT}/external" }],
    },
    "${AZ_BATCHAI_MOUNT_ROOT}/external",
  ],
  [
    "on the job's first volume when nothing else leads to one",
    { stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/no-such-mount", mountVolumes: { fileServers: [onNas] } },
    logs,
  ],
  ["else on the cluster's", {}, "$AZ_BATCHAI_MOUNT_ROOT/external"],
])("%s", (_, spec, prefix) => {
  expect(sharedTemp(spec)).toBe(`${prefix}/SEGMENT/shared`);
});

test("without any volume it is the node's own", () => {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  const { effects } = world.submit("j", { stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nfs" });
  const [grant] = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  expect(grant?.environment.find(({ name }) => name === "AZ_BATCHAI_SHARED_JOB_TEMP")?.value).toBe(
    "$AZ_BATCHAI_JOB_TEMP/shared",
  );
});
