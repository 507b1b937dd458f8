import type { Command } from "commander";

/** `stoker-agent hardware`: a process of its own, so that what it loads and whom it waits for is never the agent's matter. */
export function addHardwareCommand(command: Command): void {
  command
    .command("hardware")
    .description("say what this machine is made of, as JSON")
    .addHelpText(
      "after",
      "\n`stoker doctor` reads it, and tells what is amiss with it.\n\nExample:\n  stoker-agent hardware\n",
    )
    .action(async () => {
      const { readHardware } = await import("./doctor/read-hardware.js");
      process.stdout.write(`${JSON.stringify(await readHardware(), undefined, 2)}\n`);
    });
}
