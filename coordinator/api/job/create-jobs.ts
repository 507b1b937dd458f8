import { createHash, randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { Fault } from "../../../shared/fault.js";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { type JobService, type NewJob, NewJobSchema } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { jobId } from "../../../shared/ids.js";
import { numberOfFault } from "../../../shared/status.js";
import { tracedBy } from "../create.js";
import type { ApiPorts } from "../ports.js";

const jobsMax = 1_000;

/** Each for itself: the engine takes them together, in as few commits as it can. */
export function createJobs(ports: ApiPorts): Handlers<typeof JobService>["createJobs"] {
  return async ({ parent, jobs, idempotencyKey }, context) => {
    if (jobs.length > jobsMax) {
      throw new Fault("invalid-argument", `jobs: ${jobs.length} in one call; at most ${jobsMax} can be made at once`);
    }
    const made = await Promise.allSettled(
      jobs.map(async (job) => {
        const id = `${parent}/jobs/${job.name}`;
        const uuid = await ports.ask(
          {
            kind: "job-create",
            uuid: jobId(randomUUID()),
            parent,
            name: job.name,
            spec: job.spec ?? create(JobSpecSchema),
            ...tracedBy(context.metadata),
            ...keyOf(job, idempotencyKey),
          },
          context,
          id,
        );
        return { id, uuid: uuid ?? "" };
      }),
    );
    const failed = made.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    const bug = failed.find((error) => !(error instanceof Fault));
    if (bug !== undefined) throw bug;
    return {
      jobs: made.map((result) => {
        if (result.status === "fulfilled") return result.value;
        const fault = result.reason as Fault;
        return { errorCode: numberOfFault(fault), errorMessage: fault.message };
      }),
    };
  };
}

/** Each job has a key of its own, so that a repeated call makes what is missing. */
function keyOf(job: NewJob, key: string) {
  if (key === "") return {};
  if (key.length > 100 || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Fault("invalid-argument", "idempotency_key has 1 to 100 printable ASCII characters without blanks");
  }
  const digest = createHash("sha256").update(toBinary(NewJobSchema, job)).digest("base64url");
  return { idempotency: { key: `${key}/${job.name}`, digest } };
}
