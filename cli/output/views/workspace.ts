import { ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { type Quota, WorkspaceSchema } from "../../../shared/gen/stoker/v1/workspace_pb.js";
import { shortTime } from "../time.js";
import { view, word } from "./view.js";

export const workspace = view({
  schema: WorkspaceSchema,
  type: "workspaces",
  columns: [
    ["Name", ({ name }) => name],
    ["Location", ({ location }) => location],
    ["State", ({ provisioningState }) => word(ProvisioningStateSchema, provisioningState)],
  ],
  more: ({ id, creationTime, provisioningStateTransitionTime, quota, tags }) => [
    ["Id", id],
    ["Created", shortTime(creationTime)],
    ["State since", shortTime(provisioningStateTransitionTime)],
    ["Quota", quotaOf(quota)],
    [
      "Tags",
      Object.entries(tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(" "),
    ],
  ],
});

/** `8 GPUs, 2 running jobs` */
function quotaOf(quota: Quota | undefined): string {
  const limits = [
    [quota?.clusters, "clusters"],
    [quota?.nodes, "nodes"],
    [quota?.gpus, "GPUs"],
    [quota?.runningJobs, "running jobs"],
  ] as const;
  return limits.flatMap(([limit, noun]) => (limit === undefined ? [] : [`${limit} ${noun}`])).join(", ");
}
