import { execOptions, nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const exec: Verb = {
  name: "exec",
  description: "Run a command or a shell on a machine, or forward ports to what it reaches",
  details: "Ends with the command's exit code. Nothing listens on the machine: it goes through the coordinator.",
  example: "stoker node exec m1 --exec nvidia-smi",
  argument: "[name]",
  options: [nameOption("node"), ...execOptions],
  async run(call) {
    const nodeId = call.nodeId();
    const session = await call.session();
    const { execOn } = await import("../../remote/exec.js");
    return execOn(call, session, { nodeId, clusterId: "", jobId: "" });
  },
};
