import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { attempt, CommandFailed, type CommandOptions, command, startDetached } from "../machines/command.js";
import type { Lab } from "../machines/lab.js";
import { addressOf, control, labFolder } from "../machines/settings.js";
import { until } from "../machines/until.js";
import { program } from "./bundle.js";

export const coordinatorAddress = `${addressOf(control)}:7741`;

/** The coordinator on `control`, and the command line beside it. */
export class Coordinator {
  readonly dataFolder = join(labFolder, "coordinator");
  readonly logPath = join(labFolder, "coordinator.log");
  readonly tokenPath = join(this.dataFolder, "token");
  #process: ChildProcess | undefined;

  constructor(
    readonly lab: Lab,
    private readonly flags: readonly string[] = [],
  ) {}

  /** Undefined when it does not run. */
  get pid(): number | undefined {
    const running = this.#process;
    return running?.exitCode === null && running.signalCode === null ? running.pid : undefined;
  }

  /** Without waiting until it answers. */
  launch(): void {
    mkdirSync(this.dataFolder, { recursive: true });
    const flags = ["--listen", coordinatorAddress, "--data-dir", this.dataFolder, "--token-file", this.tokenPath];
    const words = [program("stoker-coordinator.js"), ...flags, ...this.flags];
    const argv = this.lab.onControl([process.execPath, ...words]);
    this.#process = startDetached(argv, openSync(this.logPath, "a"));
  }

  async start(): Promise<void> {
    this.launch();
    await until(
      `the coordinator answers (${this.logPath})`,
      async () => (await this.try(["node", "list"])).code === 0,
      30_000,
    );
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) throw new Error("the coordinator does not run");
    running.ref();
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }

  /** The command line, whatever its exit code. */
  try(words: string[], options: CommandOptions = {}) {
    return attempt(this.#stoker(words), { ...options, environment: this.#environment });
  }

  /** The command line, which must succeed; gives what it printed. */
  stoker(words: string[], options: CommandOptions = {}): Promise<string> {
    return command(this.#stoker(words), { ...options, environment: this.#environment });
  }

  /** The same, for verbs that print an object. */
  async ask<T>(words: string[]): Promise<T> {
    const argv = [...words, "-o", "json"];
    const outcome = await this.try(argv);
    if (outcome.code !== 0) throw new CommandFailed(["stoker", ...argv], outcome);
    return JSON.parse(outcome.stdout) as T;
  }

  #stoker(words: string[]): string[] {
    return this.lab.onControl([process.execPath, program("stoker.js"), ...words]);
  }

  get #environment(): Record<string, string> {
    return { STOKER_COORDINATOR: coordinatorAddress, STOKER_TOKEN_FILE: this.tokenPath };
  }
}
