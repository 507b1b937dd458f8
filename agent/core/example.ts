import type { LeaseGrant, RankPlan } from "../../shared/gen/stoker/v1/lease_pb.js";

/** For tests: a grant that this node takes as it is. */
const job = "0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e";

export function exampleGrant(given: Partial<LeaseGrant> = {}): LeaseGrant {
  const attempt = given.attempt ?? 1;
  return {
    $typeName: "stoker.v1.LeaseGrant",
    leaseId: `${given.jobUuid ?? job}.${attempt}`,
    jobUuid: job,
    attempt,
    jobId: "workspaces/w/experiments/e/jobs/j",
    nodeIndex: 0,
    nodes: [],
    ttlMs: 12_000n,
    clusterMounts: [],
    jobMounts: [],
    directories: [],
    environment: [],
    secrets: [],
    stdDirectory: "",
    hostFile: "",
    preparationCommandLine: "",
    ranks: [exampleRank(0)],
    startWhenReady: true,
    gpuUuids: [],
    cpus: 1,
    memoryBytes: 0n,
    killGraceSeconds: 10,
    executionLogName: "execution.log",
    preparationStdoutName: "stdout-job_prep.txt",
    preparationStderrName: "stderr-job_prep.txt",
    onLeaseLoss: "freeze",
    jobPathSegment: "workspaces/w/experiments/e/jobs/j",
    logLimitBytes: 0n,
    testBeforeStart: false,
    submittedBy: "",
    ...given,
  };
}

export const exampleRank = (rank: number): RankPlan => ({
  $typeName: "stoker.v1.RankPlan",
  rank,
  commandLine: "true",
  environment: [],
  stdoutName: "stdout.txt",
  stderrName: "stderr.txt",
});
