import { createHash } from "node:crypto";
import type { SetMounts, SetupTaskPlan } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { PreparationPlan } from "../core/preparation/state.js";

/** A coordinator that says nothing about it is one of before there were setup tasks. */
const defaultLimitMs = 3_600_000n;

/** As the coordinator says it, for the core. */
export function planOf({ clusterId, preparationId, mounts, adminAccount, setupTask }: SetMounts): PreparationPlan {
  const task = setupTask && { ...setupTask, limitMs: setupTask.limitMs > 0n ? setupTask.limitMs : defaultLimitMs };
  return {
    id: clusterId === "" ? "" : preparationId || clusterId,
    mounts: clusterId === "" ? [] : mounts,
    account: adminAccount,
    task,
    digest: digestOf(task),
  };
}

/** Of secrets the names alone: a digest of a short value tells it. */
function digestOf(task: SetupTaskPlan | undefined): string {
  if (!task) return "";
  const { commandLine, environment, secrets, stdDirectory } = task;
  const variables = environment.map(({ name, value }) => [name, value]);
  const words = JSON.stringify([commandLine, variables, secrets.map(({ name }) => name), stdDirectory]);
  return createHash("sha256").update(words).digest("hex").slice(0, 32);
}
