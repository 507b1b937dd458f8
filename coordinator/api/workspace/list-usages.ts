import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import type { Quota } from "../../core/quota/quota.js";
import { usagesOfSite, usagesOfWorkspace } from "../../core/quota/usages.js";
import type { ApiPorts } from "../ports.js";

export function listUsages(ports: ApiPorts): Handlers<typeof WorkspaceService>["listUsages"] {
  return ({ parent }) => {
    const state = ports.state();
    const usages = parent === "" ? usagesOfSite(state) : usagesOfWorkspace(state, findWorkspace(state, parent));
    return {
      usages: usages.map(({ name, current, limit }) => ({
        unit: "Count",
        currentValue: BigInt(current),
        ...(limit === undefined ? {} : { limit: BigInt(limit) }),
        name: names[name],
      })),
    };
  };
}

const names: Record<keyof Quota, { value: string; localizedValue: string }> = {
  clusters: { value: "Clusters", localizedValue: "Clusters" },
  nodes: { value: "Nodes", localizedValue: "Nodes in clusters" },
  gpus: { value: "GPUs", localizedValue: "GPUs of running jobs" },
  runningJobs: { value: "RunningJobs", localizedValue: "Running jobs" },
};
