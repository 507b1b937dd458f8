import { hostname } from "node:os";
import type { Command } from "commander";
import { thisMachine } from "../shared/doctor/machine.js";
import { exitCodeOf, jsonReport, textReport } from "../shared/doctor/report.js";
import { examineNode } from "./doctor/index.js";
import { type AgentPlace, placeOf } from "./doctor/place.js";

/** `stoker-agent doctor`: as `stoker doctor` from elsewhere, for a machine that nobody can reach, or that is no node yet. */
export function addDoctorCommand(command: Command, placeFrom: (flags: Record<string, unknown>) => AgentPlace): void {
  command
    .command("doctor")
    .description("look at this machine: drivers, file systems, networks and the like; and say what mends what is amiss")
    .option("-o, --output <format>", "table or json", "table")
    .addHelpText("after", "\nEnds with 1 when something must be mended.\n\nExample:\n  stoker-agent doctor\n")
    .action(async ({ output }: { output: string }, self: Command) => {
      const told = await examine(placeFrom(self.optsWithGlobals()));
      process.stdout.write(output === "json" ? jsonReport(told) : textReport(told));
      process.exitCode = exitCodeOf(told);
    });
}

/** At join: what is in order is not worth a line. */
export async function reportAmiss(place: AgentPlace): Promise<void> {
  const told = await examine(place);
  const amiss = told.filter(({ verdict }) => verdict !== "ok");
  if (amiss.length > 0) process.stderr.write(textReport(told, amiss));
}

const examine = (place: AgentPlace) =>
  examineNode({ ...placeOf(place), machine: thisMachine, hostName: hostname(), peers: [], wanted: [] });
