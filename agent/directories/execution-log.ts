import { appendFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "pino";

/** The agent's own steps for one lease, with their times, for the job's owner to read. */
export class ExecutionLog {
  constructor(
    private readonly nodeName: string,
    private readonly log: Logger,
  ) {}

  note(path: string, time: number, text: string): void {
    // Lines from before the folder is made are kept by whoever made them; after its removal nobody reads them.
    if (!existsSync(dirname(path))) return;
    try {
      appendFileSync(path, `${new Date(time).toISOString()} ${this.nodeName} ${text}\n`, { mode: 0o600 });
    } catch (error) {
      this.log.warn({ err: error, path }, "a line of an execution log could not be written");
    }
  }
}
