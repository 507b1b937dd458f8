import { nodePath } from "../../../ids.js";
import { execOptions, experimentOption, jobOption, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const exec: Verb = {
  name: "exec",
  description: "Run a command or a shell beside a running job, in its environment and directory",
  details:
    "Ends with the command's exit code, and no later than the job's attempt. A job in a container is entered there.",
  example: "stoker job node exec -w lab -e first -j train --exec 'ls $AZ_BATCHAI_JOB_TEMP'",
  options: [
    jobOption,
    workspaceOption,
    experimentOption,
    { flags: "-n, --node-id <name>", description: "node (default: the job's first)" },
    ...execOptions,
  ],
  async run(call) {
    const jobId = await call.ofJob();
    const node = call.text("nodeId");
    const session = await call.session();
    const { execOn } = await import("../../../remote/exec.js");
    return execOn(call, session, { nodeId: node === undefined ? "" : nodePath(node), clusterId: "", jobId });
  },
};
