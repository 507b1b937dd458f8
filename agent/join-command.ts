import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { AgentPlace } from "./doctor/place.js";
import { reportAmiss } from "./doctor-command.js";
import { IdentityFile } from "./identity/identity-file.js";

/** `stoker-agent join HOST:PORT TOKEN`: all that makes a machine a node. The agent may run already, and waits for it then. */
export function addJoinCommand(
  command: Command,
  settingsOf: (flags: Record<string, unknown>) => Omit<AgentPlace, "coordinator"> & { name: string },
): void {
  command
    .command("join <host:port> <token>")
    .description("make this machine a node of the coordinator that gave the token")
    .addHelpText(
      "after",
      "\nIts name is this machine's, or what --name says. A token - is read from stdin.\n\nExample:\n  stoker-agent join head:7741 stoker-join-AbC…\n",
    )
    .action(async (coordinator: string, word: string, _options: unknown, self: Command) => {
      const token = word === "-" ? readFileSync(0, "utf8").trim() : word;
      const { name, ...place } = settingsOf(self.optsWithGlobals());
      const file = new IdentityFile(place.dataDir);
      file.prepare();
      const before = file.readable();
      // Loaded here alone: to make a certificate request takes a large library.
      const { joinMachine } = await import("./join-machine.js");
      await joinMachine(file, { coordinator, token, node: name });
      process.stdout.write(`This machine has joined ${coordinator} as node ${name}.\n`);
      if (before && (before.node !== name || before.coordinator !== coordinator)) {
        const was = `node ${before.node} of ${before.coordinator}`;
        process.stdout.write(
          `An agent that runs here already goes on as ${was} until: systemctl restart stoker-agent\n`,
        );
      }
      // Its port is the running agent's, which may not have opened it yet.
      await reportAmiss({ ...place, coordinator, witnessPort: 0 });
    });
}
