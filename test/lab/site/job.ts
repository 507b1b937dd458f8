import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "../machines/command.js";
import { until } from "../machines/until.js";
import { say } from "../stage.js";
import type { Site } from "./site.js";

export type JobBody = Record<string, unknown>;

export interface Attempt {
  number: number;
  state: string;
  reason?: string;
  nodes?: Array<{ name: string }>;
}

export interface JobView {
  executionState: string;
  attempt?: number;
  attempts?: Attempt[];
  jobOutputDirectoryPathSegment: string;
  executionInfo?: { exitCode?: number; errors?: unknown[] };
}

/** A job that was submitted, as its user sees it. */
export class Job {
  constructor(
    readonly site: Site,
    readonly workspace: string,
    readonly experiment: string,
    readonly name: string,
  ) {}

  get #words(): string[] {
    return ["-w", this.workspace, "-e", this.experiment, "-n", this.name];
  }

  show = () => this.site.coordinator.ask<JobView>(["job", "show", ...this.#words]);

  async attempt(number: number): Promise<Attempt | undefined> {
    return (await this.show()).attempts?.find((attempt) => attempt.number === number);
  }

  /** Names of the machines that hold an attempt, in the gang's order. */
  async machinesOf(number: number): Promise<string[]> {
    return (await this.attempt(number))?.nodes?.map(({ name }) => name) ?? [];
  }

  async untilAttempt(number: number, limitMs: number): Promise<Attempt> {
    return await until(
      `attempt ${number} of ${this.name}`,
      () => this.attempt(number),
      limitMs * this.site.stage.slowness,
    );
  }

  async untilLogged(text: string, limitMs: number): Promise<void> {
    const logged = async () => (await this.logs()).includes(text);
    try {
      await until(`${this.name} logs "${text}"`, logged, limitMs * this.site.stage.slowness, 250);
    } catch (error) {
      throw new Error(await this.tail(), { cause: error });
    }
  }

  /** Tells what became of every attempt. */
  async history(): Promise<void> {
    for (const { number, state, reason = "", nodes = [] } of (await this.show()).attempts ?? []) {
      say(`  ----  attempt ${number} on ${nodes.map(({ name }) => name).join(", ")}: ${state} ${reason}`.trimEnd());
    }
  }

  /** Waits as a user would; throws unless the job's exit code is what is expected. */
  async end(limitMs: number, expected = 0): Promise<JobView> {
    const limit = limitMs * this.site.stage.slowness;
    const outcome = await this.site.coordinator.try(["job", "wait", ...this.#words], { limitMs: limit });
    const view = await this.show();
    if (outcome.code !== expected) {
      const told = await this.tail();
      const { stdout: explained } = await this.site.coordinator.try(["job", "explain", ...this.#words]);
      throw new Error(
        `${this.name}: exit code ${outcome.code} and not ${expected}\n${explained}\n${JSON.stringify(view, undefined, 1)}\n${told}`,
      );
    }
    return view;
  }

  logs = async (...flags: string[]): Promise<string> =>
    this.site.coordinator.stoker(["job", "logs", ...this.#words, ...flags]);

  terminate = (): Promise<Outcome> => this.site.coordinator.try(["job", "terminate", "-y", ...this.#words]);

  /** The job's directory on the share, on the host. */
  async folder(): Promise<string> {
    return join(this.site.stage.lab.filer.shareFolder, (await this.show()).jobOutputDirectoryPathSegment);
  }

  /** The latest attempt's, as it stands on the share. */
  standardOutput = async (): Promise<string> =>
    readFileSync(join(await this.folder(), "stdouterr", "stdout.txt"), "utf8");

  /** A file of its output directories, parsed. */
  async output<T>(path: string): Promise<T> {
    return JSON.parse(readFileSync(join(await this.folder(), "outputs", path), "utf8")) as T;
  }

  /** Shown when something went wrong. */
  async tail(): Promise<string> {
    const outcome = await this.site.coordinator.try(["job", "logs", ...this.#words]);
    return `${outcome.stdout}${outcome.stderr}`.split("\n").slice(-30).join("\n");
  }
}
