import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

export function terminateJob(ports: ApiPorts): Handlers<typeof JobService>["terminateJob"] {
  return async (request, context) => {
    const subject = await ports.ask({ kind: "job-terminate", id: request.id }, context);
    const state = ports.state();
    return { job: jobView(state, made(state.jobs, subject)) };
  };
}
