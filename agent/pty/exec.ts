import { Fault } from "../../shared/fault.js";
import type { ExecPlan } from "../../shared/gen/stoker/v1/relay_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import { shellText } from "../core/environment.js";
import type { ExecHost, RelayChannel } from "../relay-ports.js";
import { runOnPipes } from "./pipes.js";
import { runOnTerminal } from "./terminal.js";

/** A user's command or shell. */
export function exec(plan: ExecPlan, channel: RelayChannel, host: ExecHost): Promise<void> {
  const lease = plan.leaseId === "" ? undefined : parseLeaseId(plan.leaseId)?.lease;
  if (plan.leaseId !== "" && lease === undefined) throw new Fault("invalid-argument", `"${plan.leaseId}" is no lease`);
  const { environment, cwd, fence, within, confine } = host.place(lease);
  const shell = plan.commandLine === "" ? ["-l"] : ["-c", shellText(plan.commandLine)];
  const start = {
    program: host.shimPath,
    words: ["join", ...(confine ? [confine.how, confine.file] : []), fence, cwd, ...within(["/bin/bash", ...shell])],
    environment,
  };
  return plan.terminal ? runOnTerminal(start, plan, channel) : runOnPipes(start, channel);
}
