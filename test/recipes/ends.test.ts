import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesIn, Ground, textOf } from "./ground.js";

/** How jobs end that don't go well, what is kept for the next attempt, and what the job's nodes share: bodies of our own. */
let ground: Ground;
const onFiler = "$AZ_BATCHAI_MOUNT_ROOT/external";
const custom = (commandLine: string) => ({ customToolkitSettings: { commandLine } });

const jobs: Record<string, object> = {
  piped: { nodeCount: 1, ...custom("set -o pipefail; (exit 7) | cat") },
  unprepared: {
    nodeCount: 2,
    // The one that fails has the others stopped, also before they have said anything: so it comes last.
    jobPreparation: {
      commandLine:
        'echo on $STOKER_NODE; met="$AZ_BATCHAI_SHARED_JOB_TEMP/met"; if [ $STOKER_NODE = m1 ]; then touch "$met"; else until [ -e "$met" ]; do sleep 0.1; done; exit 5; fi',
    },
    ...custom("echo started"),
  },
  unmounted: {
    nodeCount: 1,
    ...custom("true"),
    mountVolumes: {
      azureFileShares: [{ azureFileUrl: "https://acct.file.core.windows.net/nothing", relativeMountPath: "x" }],
    },
  },
  late: { nodeCount: 1, constraints: { maxWallClockTime: "00:00:01" }, ...custom("sleep 600") },
  again: {
    nodeCount: 1,
    constraints: { maxRetryCount: 1 },
    outputDirectories: [{ id: "OUT", pathPrefix: onFiler }],
    ...custom(
      'if [ -z "$AZ_BATCHAI_PREV_OUTPUT_OUT" ]; then echo one > $AZ_BATCHAI_OUTPUT_OUT/kept; echo first; exit 3; fi; cat $AZ_BATCHAI_PREV_OUTPUT_OUT/kept',
    ),
  },
  local: {
    nodeCount: 2,
    stdOutErrPathPrefix: "$AZ_BATCHAI_JOB_TEMP_DIR/",
    ...custom(
      "for host in ${AZ_BATCH_HOST_LIST//,/ }; do ssh $host 'echo $STOKER_NODE > $AZ_BATCHAI_JOB_TEMP/own; echo $STOKER_NODE >> $AZ_BATCHAI_SHARED_JOB_TEMP/all'; done; " +
        "cat $AZ_BATCHAI_JOB_TEMP/own $AZ_BATCHAI_SHARED_JOB_TEMP/all > $AZ_BATCHAI_MOUNT_ROOT/external/seen; echo $AZ_BATCHAI_STDOUTERR_DIR",
    ),
  },
  // MPICH is what `mpirun` means on this job's PATH, as after a preparation that had installed it.
  hydra: {
    nodeCount: 2,
    environmentVariables: [{ name: "PATH", value: "$AZ_BATCHAI_MOUNT_ROOT/external/mpich:$PATH" }],
    customMpiSettings: { commandLine: "python rank.py", processCount: "4" },
  },
  uneven: { nodeCount: 2, customMpiSettings: { commandLine: "python rank.py", processCount: 3 } },
};

beforeAll(async () => {
  ground = await Ground.make(["m1", "m2"]);
  mkdirSync(join(ground.share("batchaisample"), "mpich"));
  symlinkSync("/usr/bin/mpirun.mpich", join(ground.share("batchaisample"), "mpich/mpirun"));
  for (const [name, properties] of Object.entries(jobs)) {
    const file = join(ground.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ properties: { stdOutErrPathPrefix: onFiler, ...properties } }));
    await ground.submit(name, file, "nc6");
  }
}, 60_000);
afterAll(() => ground?.stop(), 60_000);

async function ended(name: string) {
  const { code } = await ground.wait(name);
  const shown = await ground.show(name);
  const std = join(ground.share("batchaisample"), shown.jobOutputDirectoryPathSegment, "stdouterr");
  return { code, shown, std, errors: shown.executionInfo?.errors?.map((error) => error.code) };
}

test("the exit code is the shell's, and job wait ends with it", async () => {
  const { code, shown, errors } = await ended("piped");
  expect({ code, errors, state: shown.executionState, exit: shown.executionInfo?.exitCode }).toEqual({
    ...{ code: 7, errors: ["JobFailed"], state: "failed", exit: 7 },
  });
}, 60_000);

test("a preparation that fails on one node ends the job before it starts", async () => {
  const { shown, errors, std } = await ended("unprepared");
  expect({ errors, exit: shown.executionInfo?.exitCode }).toEqual({ errors: ["JobPreparationFailed"], exit: 5 });
  for (const node of ["m1", "m2"]) expect(textOf(join(std, `stdout-job_prep-${node}.txt`))).toBe(`on ${node}\n`);
  expect(ground.standIns.calls("unprepared")).toEqual([]);
  expect(filesIn(std).includes("stdout.txt") ? textOf(join(std, "stdout.txt")) : "").toBe("");
}, 60_000);

test("a share that can't be mounted is told with its code", async () => {
  const { shown, errors } = await ended("unmounted");
  expect({ errors, exit: shown.executionInfo?.exitCode }).toEqual({ errors: ["NFSMountError"], exit: -1 });
  expect(JSON.stringify(shown.executionInfo)).toContain("/nothing");
}, 60_000);

test("over its wall clock time it is terminated", async () => {
  const { shown, errors } = await ended("late");
  expect(shown.executionState).toBe("failed");
  expect(errors).toEqual(["JobTerminated"]);
  expect(shown.executionInfo?.errors?.[0]?.message).toContain("maxWallClockTime");
}, 60_000);

test("a second attempt finds the first one's output, and its logs beside its own", async () => {
  const { code, shown, std } = await ended("again");
  expect({ code, attempt: shown.attempt }).toEqual({ code: 0, attempt: 2 });
  expect(textOf(join(std, "stdout.txt"))).toBe("one\n");
  expect(textOf(join(std, "stdout.attempt-1.txt"))).toBe("first\n");
}, 60_000);

test("the job's temp is each node's own, the shared temp all nodes', and logs may stay on the node", async () => {
  const { code, shown } = await ended("local");
  expect(code).toBe(0);
  expect(textOf(join(ground.share("batchaisample"), "seen"))).toBe("m1\nm1\nm2\n");
  const kept = join(ground.folder, "m1/jobs", shown.jobOutputDirectoryPathSegment, "stdouterr");
  const logs = await ground.stoker("job", "logs", ...ground.jobs, "-n", "local");
  expect(logs.trim()).toBe(kept);
}, 60_000);

test("three processes on two nodes are two and one", async () => {
  const { code } = await ended("uneven");
  expect(code).toBe(0);
  const calls = ground.standIns.calls("uneven").map(({ environment }) => environment.STOKER_NODE);
  expect(calls.sort()).toEqual(["m1", "m1", "m2"]);
  expect(ground.standIns.hostFile("uneven")).toBe("m1 slots=2 max-slots=2\nm2 slots=1 max-slots=1\n");
}, 60_000);

test("MPICH is told by its own words, and its ranks have their node's own variables", async () => {
  const { code } = await ended("hydra");
  expect(code).toBe(0);
  const calls = ground.standIns.calls("hydra").map(({ environment }) => environment);
  const places = calls.map(({ PMI_RANK, AZ_BATCHAI_TASK_INDEX, STOKER_NODE, AZ_BATCHAI_JOB_TEMP }) => {
    expect(AZ_BATCHAI_TASK_INDEX).toBe(PMI_RANK);
    expect(AZ_BATCHAI_JOB_TEMP).toContain(`/${STOKER_NODE}/`);
    return `${PMI_RANK} ${STOKER_NODE}`;
  });
  expect(places.sort()).toEqual(["0 m1", "1 m1", "2 m2", "3 m2"]);
}, 60_000);
