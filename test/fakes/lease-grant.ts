import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type LeaseGrant, LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";

/** A grant of one rank that an agent accepts as it is. */
export function makeGrant(given: MessageInitShape<typeof LeaseGrantSchema> = {}): LeaseGrant {
  const jobUuid = given.jobUuid ?? randomUUID();
  const attempt = given.attempt ?? 1;
  return create(LeaseGrantSchema, {
    leaseId: `${jobUuid}.${attempt}`,
    jobUuid,
    attempt,
    jobId: "workspaces/w/experiments/e/jobs/j",
    nodes: [{ name: "n1", host: "n1" }],
    ttlMs: 12_000n,
    ranks: [{ rank: 0, commandLine: "true" }],
    startWhenReady: true,
    killGraceSeconds: 2,
    jobPathSegment: `workspaces/w/experiments/e/jobs/${jobUuid.slice(0, 8)}`,
    ...given,
  });
}
