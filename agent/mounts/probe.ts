import { existsSync } from "node:fs";
import { runLimited } from "../limited.js";

/** How a mounted thing answers: as it should, with an error, or not in time. */
export type Health = { kind: "well" } | { kind: "broken"; words: string } | { kind: "silent" };

export interface ProbeOptions {
  limitMs: number;
  path: string;
}

/** Asks file systems whether they are there, each by a process of its own. One that can't be killed is not joined by another. */
export class Probe {
  /** By path: a process that waits for the server and can't be ended. */
  private readonly stuck = new Map<string, number>();

  constructor(private readonly options: ProbeOptions) {}

  async ask(path: string): Promise<Health> {
    const waiting = this.stuck.get(path);
    if (waiting !== undefined && existsSync(`/proc/${waiting}`)) return { kind: "silent" };
    this.stuck.delete(path);
    const { problem, words, late, lingering } = await runLimited({
      // Of the whole file system, because what is known of its folder may be remembered here.
      argv: ["stat", "-f", "-c", "%T", "--", path],
      timeoutMs: this.options.limitMs,
      environment: { PATH: this.options.path, LC_ALL: "C" },
    });
    if (lingering !== undefined) this.stuck.set(path, lingering);
    if (problem === undefined) return { kind: "well" };
    return late ? { kind: "silent" } : { kind: "broken", words: words.split("\n").at(-1) ?? problem };
  }
}
