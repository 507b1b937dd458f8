import { hostname } from "node:os";
import type { Command } from "commander";
import { examine } from "../shared/doctor/examine.js";
import { thisMachine } from "../shared/doctor/machine.js";
import { exitCodeOf, jsonReport, textReport } from "../shared/doctor/report.js";
import { checks } from "./doctor/index.js";
import type { CoordinatorWorld } from "./doctor/world.js";

export type Placed = Pick<CoordinatorWorld, "dataDir" | "listen" | "natsServer" | "natsUrl">;

/** `stoker-coordinator doctor`: beside the daemon, whether that runs or not. */
export function addDoctorCommand(command: Command, placeFrom: (flags: Record<string, unknown>) => Placed): void {
  command
    .command("doctor")
    .description("look at the coordinator's machine, and say what mends what is amiss")
    .option("-o, --output <format>", "table or json", "table")
    .addHelpText("after", "\nEnds with 1 when something must be mended.\n\nExample:\n  stoker-coordinator doctor\n")
    .action(async ({ output }: { output: string }, self: Command) => {
      const told = await examine(checks, {
        ...placeFrom(self.optsWithGlobals()),
        ...{ machine: thisMachine, hostName: hostname(), unit: "stoker-coordinator.service", needed: [], wanted: [] },
      });
      process.stdout.write(output === "json" ? jsonReport(told) : textReport(told));
      process.exitCode = exitCodeOf(told);
    });
}
