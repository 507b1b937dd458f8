import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findNode } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";

const stepsDefault = 120;
const stepsMax = 2_000;
const hourMs = 3_600_000;
const keptMs = 31 * 24 * hourMs;

export function getNodeHistory(ports: ApiPorts): Handlers<typeof NodeService>["getNodeHistory"] {
  return (request) => {
    const row = findNode(ports.state(), request.id);
    const now = ports.now();
    const to = request.to ? Math.min(timestampMs(request.to), now) : now;
    // Nothing is kept longer.
    const from = request.from ? Math.max(timestampMs(request.from), now - keptMs) : to - hourMs;
    const steps = request.maxSteps === 0 ? stepsDefault : request.maxSteps;
    if (steps < 1 || steps > stepsMax)
      throw new Fault("invalid-argument", `max_steps must be 1 to ${stepsMax}, not ${steps}`);
    if (!(from < to)) throw new Fault("invalid-argument", "from must be before to");
    const gpus = row.inventory.gpus.map(({ uuid }) => uuid);
    const read = ports.history(row.name, gpus, { from, to, steps });
    const { stepMs = to - from, series = [] } = read ?? {};
    return {
      history: {
        from: timestampFromMs(read?.from ?? from),
        stepMs: BigInt(stepMs),
        series: series.map((each) => ({ ...each })),
      },
    };
  };
}
