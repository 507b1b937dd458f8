import { exitCode, usage } from "../failure.js";
import { nodePath } from "../ids.js";
import type { Verb } from "../verb.js";

/** Each looks at itself, and tries to reach the others. */
const withinMs = 120_000;

export const doctor: Verb = {
  name: "doctor",
  description: "Let machines look at themselves, and say what mends what is amiss",
  details:
    "Drivers, CUDA, NFS, MPI, containers, clock, ports, control groups, limits, disk, the network between them, names. Ends with 1 when something must be mended. On a machine that is no node yet: stoker-agent doctor; on the coordinator's: stoker-coordinator doctor",
  example: "stoker doctor gpu07",
  argument: "[node...]",
  options: [{ flags: "--all", description: "every machine (so it is too when none is named)" }],
  async run(call) {
    if (call.flag("all") && call.words.length > 0) throw usage("--all, or the names of machines: not both");
    const session = await call.session();
    const { nodes } = await session.nodes.doctorNodes({ ids: call.words.map(nodePath) }, { timeoutMs: withinMs });
    const { doctorRows, doctorText, mustMend, reportOf } = await import("../output/doctor.js");
    const reports = nodes.map(reportOf);
    const { output } = await call.settings();
    if (session.isJson) await session.json(reports);
    else await call.world.out(output === "tsv" ? doctorRows(reports) : doctorText(reports));
    if (reports.length === 0) await call.notice("there are no machines: `stoker node token create` says how one joins");
    return mustMend(reports) ? exitCode.failed : undefined;
  },
};
