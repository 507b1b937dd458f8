import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { explain } from "../../core/explain.js";
import { findJob } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

export function explainJob(ports: ApiPorts): Handlers<typeof JobService>["explainJob"] {
  return (request) => {
    const state = ports.state();
    const row = findJob(state, request.id);
    const { summary, queuePosition, reasons, since } = explain(state, row, ports.now());
    return {
      job: jobView(state, row),
      summary,
      queuePosition,
      reasons: reasons.map((reason) => ({ ...reason, nodes: [...reason.nodes], heldBy: [...reason.heldBy] })),
      since: timestampFromMs(since),
    };
  };
}
