import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findJob } from "../find.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

export function explainJob(ports: ApiPorts): Handlers<typeof JobService>["explainJob"] {
  return (request) => {
    const state = ports.state();
    return { job: jobView(state, findJob(state, request.id)) };
  };
}
