import type { JobSpec } from "../../shared/gen/stoker/v1/job_pb.js";

/** How many logs a job that has not started will have: launchers have one, toolkits whose processes Stoker starts one each. */
export function expectedRanks(spec: JobSpec | undefined): number {
  switch (spec?.toolkit.case) {
    case "pyTorchSettings": {
      const { communicationBackend, processCount } = spec.toolkit.value;
      return communicationBackend.toLowerCase() === "mpi" ? 1 : processCount || spec.nodeCount;
    }
    case "caffe2Settings":
      return spec.nodeCount;
    case "tensorFlowSettings": {
      const { workerCount, parameterServerCount } = spec.toolkit.value;
      if (spec.nodeCount === 1 && workerCount === 0 && parameterServerCount === 0) return 1;
      return (workerCount || spec.nodeCount) + (parameterServerCount || 1);
    }
    default:
      return 1;
  }
}
