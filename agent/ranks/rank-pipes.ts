import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";

/** The shim makes its pipes a moment after it was started. */
const lookMs = 100;
const looksMax = 100;

interface Held {
  files: number[];
  looking: NodeJS.Timeout | undefined;
}

/**
 * A second reader of the pipes between a process and its shim, which reads nothing: should the shim be killed, what it had not read yet is
 * still there, and `stoker-shim salvage` brings it into the spool.
 */
export class RankPipes {
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly shimPath: string,
    private readonly log: Logger,
  ) {}

  hold(dir: string): void {
    if (this.held.has(dir)) return;
    const entry: Held = { files: [], looking: undefined };
    this.held.set(dir, entry);
    this.look(dir, entry, 1);
  }

  release(dir: string): void {
    const entry = this.held.get(dir);
    this.held.delete(dir);
    clearTimeout(entry?.looking);
    for (const file of entry?.files ?? []) closeSync(file);
  }

  /** Nobody writes any more, and the shim is gone. */
  async salvage(dir: string): Promise<void> {
    if (!existsSync(join(dir, "stderr.tail"))) return;
    const child = spawn(this.shimPath, ["salvage", "--dir", dir], { cwd: "/", env: {}, stdio: "ignore" });
    try {
      const [code] = await once(child, "exit");
      if (code !== 0) this.log.error({ dir, code }, "what a killed shim had not written could not be saved");
    } catch (error) {
      this.log.error({ dir, err: error }, "what a killed shim had not written could not be saved");
    }
  }

  private look(dir: string, entry: Held, looks: number): void {
    const paths = ["stdout.pipe", "stderr.pipe"].map((name) => join(dir, name));
    entry.looking = undefined;
    if (paths.every((path) => existsSync(path))) {
      entry.files = paths.map((path) => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    } else if (looks < looksMax) {
      entry.looking = setTimeout(() => this.look(dir, entry, looks + 1), lookMs);
      entry.looking.unref();
    }
  }
}
