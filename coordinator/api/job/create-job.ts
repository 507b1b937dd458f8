import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { CreateJobRequestSchema, type JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { jobId } from "../../../shared/ids.js";
import { idempotencyOf, made, tracedBy } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

export function createJob(ports: ApiPorts): Handlers<typeof JobService>["createJob"] {
  return async (request, context) => {
    const subject = await ports.ask(
      {
        kind: "job-create",
        uuid: jobId(randomUUID()),
        parent: request.parent,
        name: request.name,
        spec: request.spec ?? create(JobSpecSchema),
        ...tracedBy(context.metadata),
        ...idempotencyOf(CreateJobRequestSchema, request),
      },
      context,
    );
    const state = ports.state();
    return { job: jobView(state, made(state.jobs, subject)) };
  };
}
