import type { SetupTaskPlan } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { expand, expandInOrder } from "../expand.js";

/** What only this node knows. */
export interface SetupPlaces {
  /** What every process of a user has: never the agent's own environment. */
  readonly base: Readonly<Record<string, string>>;
  /** $AZ_BATCHAI_MOUNT_ROOT */
  readonly mountRoot: string;
}

/** Throws a Fault when something grows too long as it is expanded. */
export function setupEnvironmentOf(task: SetupTaskPlan, { base, mountRoot }: SetupPlaces): Record<string, string> {
  const known = expandInOrder({ ...base, AZ_BATCHAI_MOUNT_ROOT: mountRoot }, task.environment);
  return { ...known, ...Object.fromEntries(task.secrets.map(({ name, value }) => [name, value])) };
}

/** Of that directory the levels above the cluster's own, where jobs make theirs as well. */
export function levelsAbove(directory: string): string[] {
  const [, prefix = "", workspace = ""] =
    /^(.*\/)workspaces\/([^/]+)\/clusters\/[^/]+\/[^/]+(?:\/|$)/.exec(directory) ?? [];
  return prefix === ""
    ? []
    : ["", `/${workspace}`, `/${workspace}/clusters`].map((level) => `${prefix}workspaces${level}`);
}

/** Where its output is copied; "" for nowhere. A relative path is below the mount root. */
export function setupDirectoryOf(task: SetupTaskPlan, places: SetupPlaces): string {
  if (task.stdDirectory === "") return "";
  const { secrets: _, ...open } = task;
  const path = expand(task.stdDirectory, setupEnvironmentOf({ ...open, secrets: [] }, places));
  return (path.startsWith("/") ? path : `${places.mountRoot}/${path}`).replace(/\/{2,}/g, "/");
}
