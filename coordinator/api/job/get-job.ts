import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findJob } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { logsOfAttempts } from "../views/attempt-logs.js";
import { jobView } from "../views/job.js";

export function getJob(ports: ApiPorts): Handlers<typeof JobService>["getJob"] {
  return (request) => {
    const state = ports.state();
    const row = findJob(state, request.id);
    return { job: jobView(state, row, logsOfAttempts(ports, row)) };
  };
}
