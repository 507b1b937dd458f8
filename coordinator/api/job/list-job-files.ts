import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findJob } from "../../core/names.js";
import { listing } from "../files/listing.js";
import type { ApiPorts } from "../ports.js";

export function listJobFiles(ports: ApiPorts): Handlers<typeof JobService>["listJobFiles"] {
  return (request, context) => {
    const { uuid } = findJob(ports.state(), request.id);
    const directoryId = request.outputDirectoryId || "stdouterr";
    return listing(ports, { kind: "job", job: uuid, directoryId }, request, context);
  };
}
