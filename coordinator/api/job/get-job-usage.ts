import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { adviceFor } from "../../core/efficiency.js";
import type { GpuCurves } from "../../core/efficiency-curves.js";
import { findJob } from "../../core/names.js";
import { attemptsOf } from "../../core/queries.js";
import type { ApiPorts } from "../ports.js";
import { findingViews } from "../views/findings.js";

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
    const gpus = ports.curves(attempt);
    const told = gpus.map(({ nodeName, index, memoryBytes, efficiency }) => ({
      ...{ name: `GPU ${index} of ${nodeName}`, memoryBytes },
      ...efficiency,
    }));
    return {
      usage: {
        ...{ attempt: attempt.number, gpus: gpus.map(gpuView), advice: adviceFor(told, to - from) },
        findings: findingViews(job).filter((finding) => finding.attempt === attempt.number),
        ...{ from: timestampFromMs(from), to: timestampFromMs(to) },
      },
    };
  };
}

function gpuView({ nodeName, uuid, index, model, memoryBytes, efficiency, from, stepMs, curves }: GpuCurves) {
  const { memoryMostBytes, ...rest } = efficiency;
  const series = curves.map(({ name, means, mosts }) => ({ name, means: [...means], mosts: [...mosts] }));
  return {
    ...{ nodeName, uuid, index, model, memoryBytes: BigInt(memoryBytes) },
    ...rest,
    ...(memoryMostBytes === undefined ? {} : { memoryMostBytes: BigInt(Math.round(memoryMostBytes)) }),
    ...(series.length > 0 ? { history: { from: timestampFromMs(from), stepMs: BigInt(stepMs), series } } : {}),
  };
}
