import type { Logger } from "pino";
import { runLimited } from "../limited.js";
import { mountAt } from "./mountinfo.js";

export interface UnmountingOptions {
  limitMs: number;
  path: string;
}

/** Undoes mounts without ever waiting for what is mounted. */
export class Unmounting {
  constructor(
    private readonly options: UnmountingOptions,
    private readonly log: Logger,
    private readonly mounting: { flush(path: string): Promise<void>; forget(path: string): Promise<void> },
  ) {}

  /** In this order. `ask` leaves what is in use. The paths that are still mounted, in words. */
  async each(paths: readonly string[], how: "ask" | "force"): Promise<string> {
    const left: string[] = [];
    for (const path of paths) {
      if (!mountAt(path)) continue;
      await this.one(path, how);
      if (mountAt(path)) left.push(path);
      else await this.mounting.forget(path);
    }
    return left.join(", ");
  }

  private async one(path: string, how: "ask" | "force"): Promise<void> {
    await this.mounting.flush(path);
    const { problem } = await this.umount([path]);
    if (problem === undefined || how === "ask") return;
    const forced = await this.umount(["-l", "-f", path]);
    if (forced.problem === undefined) return;
    // Not even that: without the file system's own helper, which asks the server, and without a look at the folder.
    const last = await this.umount(["-i", "-c", "-l", path]);
    if (last.problem !== undefined)
      this.log.warn({ path, problem: last.problem, words: last.words }, "a volume can't be unmounted");
  }

  private umount(words: string[]) {
    return runLimited({
      argv: ["umount", ...words],
      timeoutMs: this.options.limitMs,
      environment: { PATH: this.options.path },
    });
  }
}
