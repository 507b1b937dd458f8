import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import type { GpuUsageSchema } from "../../../shared/gen/stoker/v1/history_pb.js";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { adviceFor, efficiencyOf } from "../../core/efficiency.js";
import { findJob, nodeNamed } from "../../core/names.js";
import { attemptsOf } from "../../core/queries.js";
import type { Attempt } from "../../core/state.js";
import type { ApiPorts, NodeHistoryRead } from "../ports.js";
import { findingViews } from "../views/findings.js";

/** As fine as it is kept, as far as that is worth it. */
const stepsMax = 2_000;

export function getJobUsage(ports: ApiPorts): Handlers<typeof JobService>["getJobUsage"] {
  return (request) => {
    const state = ports.state();
    const job = findJob(state, request.id);
    const attempts = attemptsOf(state, job);
    const attempt = request.attempt === 0 ? attempts.at(-1) : attempts.find(({ number }) => number === request.attempt);
    if (!attempt) {
      throw new Fault(
        "not-found",
        request.attempt === 0 ? "the job has not been started yet" : `the job has no attempt ${request.attempt}`,
      );
    }
    const from = attempt.startedAt;
    const to = attempt.endedAt ?? ports.now();
    const gpus = attempt.nodes.flatMap((node) => gpusOf(ports, node, from, to));
    const told = gpus.map(
      ({ nodeName = "", index = 0, memoryBytes = 0n, memoryMostBytes, utilizationPercent, idlePercent }) => ({
        name: `GPU ${index} of ${nodeName}`,
        memoryBytes: Number(memoryBytes),
        ...(utilizationPercent === undefined ? {} : { utilizationPercent }),
        ...(idlePercent === undefined ? {} : { idlePercent }),
        ...(memoryMostBytes === undefined ? {} : { memoryMostBytes: Number(memoryMostBytes) }),
      }),
    );
    return {
      usage: {
        ...{ attempt: attempt.number, gpus, advice: adviceFor(told, to - from) },
        findings: findingViews(job).filter((finding) => finding.attempt === attempt.number),
        ...{ from: timestampFromMs(from), to: timestampFromMs(to) },
      },
    };
  };
}

function gpusOf(
  ports: ApiPorts,
  node: Attempt["nodes"][number],
  from: number,
  to: number,
): Array<MessageInitShape<typeof GpuUsageSchema>> {
  const row = nodeNamed(ports.state(), node.name);
  if (!row || node.gpuUuids.length === 0 || to <= from) return [];
  const all = row.inventory.gpus.map(({ uuid }) => uuid);
  const read = ports.history(row.name, all, { from, to, steps: stepsMax });
  return row.inventory.gpus
    .filter(({ uuid }) => node.gpuUuids.includes(uuid))
    .map(({ uuid, index, model, memoryBytes }) => {
      const of = (name: string) => read?.series.find((series) => series.name === `gpu:${uuid}:${name}`);
      const utilization = of("utilization_percent");
      const found = efficiencyOf({
        utilizationPercent: utilization?.means ?? [],
        memoryUsedBytes: of("memory_used_bytes")?.mosts ?? [],
        powerWatts: of("power_watts")?.means ?? [],
      });
      const { memoryMostBytes, ...rest } = found;
      return {
        ...{ nodeName: node.name, uuid, index, model, memoryBytes: BigInt(memoryBytes) },
        ...rest,
        ...(memoryMostBytes === undefined ? {} : { memoryMostBytes: BigInt(Math.round(memoryMostBytes)) }),
        ...(read && utilization ? { history: curve(read, utilization) } : {}),
      };
    });
}

const curve = ({ from, stepMs }: NodeHistoryRead, series: NodeHistoryRead["series"][number]) => ({
  from: timestampFromMs(from),
  stepMs: BigInt(stepMs),
  series: [{ ...series }],
});
