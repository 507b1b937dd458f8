import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteJob(ports: ApiPorts): Handlers<typeof JobService>["deleteJob"] {
  return async (request, context) => {
    await ports.ask({ kind: "job-delete", id: request.id }, context);
    return {};
  };
}
