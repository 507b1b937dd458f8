import type { Call } from "../../../call.js";
import { usage } from "../../../failure.js";
import { workspacePath } from "../../../ids.js";
import { nameOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

const limits = { clusters: "clusters", nodes: "nodes", gpus: "gpus", runningJobs: "running-jobs" } as const;
type Limit = keyof typeof limits;

export const set: Verb = {
  name: "set",
  description: "Change the limits of a workspace",
  details: "Limits that are not named stay as they are. What is above a new limit stays; nothing is added to it",
  example: "stoker workspace quota set -n lab --gpus 8 --running-jobs none",
  argument: "[name]",
  options: [
    nameOption("workspace"),
    { flags: "--clusters <count>", description: "clusters; none: no limit, as for the others" },
    { flags: "--nodes <count>", description: "nodes in its clusters, all together" },
    { flags: "--gpus <count>", description: "GPUs of its running jobs, on whatever cluster" },
    { flags: "--running-jobs <count>", description: "jobs that run at one time" },
  ],
  async run(call) {
    const id = workspacePath(call.name("workspace"));
    const given = (Object.keys(limits) as Limit[]).filter((limit) => call.text(limit) !== undefined);
    if (given.length === 0) throw usage("nothing to change: give --clusters, --nodes, --gpus or --running-jobs");
    const changes = Object.fromEntries(given.map((limit) => [limit, limitOf(call, limit)]));
    const session = await call.session();
    const { workspace: before } = await session.workspaces.getWorkspace({ id }, session.limits);
    const { clusters, nodes, gpus, runningJobs } = before?.quota ?? {};
    const all = { clusters, nodes, gpus, runningJobs, ...changes };
    const quota = Object.fromEntries(Object.entries(all).filter(([, limit]) => limit !== undefined));
    await session.workspaces.setWorkspaceQuota({ id, quota }, session.limits);
    const { usages } = await session.workspaces.listUsages({ parent: id }, session.limits);
    await session.list("usage", usages);
    return undefined;
  },
};

/** Undefined for no limit. */
function limitOf(call: Call, limit: Limit): number | undefined {
  const text = call.text(limit) ?? "";
  if (text.toLowerCase() === "none") return undefined;
  if (!/^\d{1,7}$/.test(text)) throw usage(`--${limits[limit]}: expected a whole number or none, found "${text}"`);
  return Number(text);
}
