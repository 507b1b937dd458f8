import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { explain } from "../../core/explain.js";
import { findJob } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { hidden, sightOf } from "../sight.js";
import { jobView } from "../views/job.js";

export function explainJob(ports: ApiPorts): Handlers<typeof JobService>["explainJob"] {
  return (request, context) => {
    const state = ports.state();
    const sight = sightOf(state, context);
    const shown = (ids: readonly string[]) => [...new Set(ids.map((id) => (sight.id(id) ? id : hidden.job)))];
    const row = findJob(state, request.id);
    const { summary: found, queuePosition, reasons: told, since } = explain(state, row, ports.now());
    const why = row.state.kind === "queued" ? ports.readOnly() : undefined;
    const summary = why === undefined ? found : `no job can be started: ${why}; then: ${found}`;
    const reasons =
      why === undefined
        ? told
        : [{ check: "read-only", message: `no job can be started: ${why}`, nodes: [], heldBy: [] }, ...told];
    return {
      job: jobView(state, row),
      summary,
      queuePosition,
      reasons: reasons.map((reason) => ({ ...reason, nodes: [...reason.nodes], heldBy: shown(reason.heldBy) })),
      since: timestampFromMs(since),
    };
  };
}
