import type { Call } from "../../call.js";

/** What Ctrl-C does to a run: the first asks (without a terminal: terminates), the second leaves the job to itself. */
export class Interrupt {
  readonly #detached = new AbortController();
  #count = 0;
  #undo: () => void;
  #asked = Promise.resolve();

  constructor(
    private readonly call: Call,
    private readonly jobName: string,
    private readonly terminate: () => Promise<void>,
  ) {
    this.#undo = call.world.onInterrupt((signal) => this.#interrupted(signal));
  }

  /** Aborted when the user leaves. */
  get detached(): AbortSignal {
    return this.#detached.signal;
  }

  #interrupted(signal: "SIGINT" | "SIGTERM"): void {
    this.#count += 1;
    if (this.#count > 1) {
      this.#detached.abort();
      return;
    }
    // A failure is told by the promise that end() waits for.
    this.#asked = signal === "SIGINT" && this.call.world.isInteractive ? this.#ask() : this.#stop();
    this.#asked.catch(() => undefined);
  }

  async #ask(): Promise<void> {
    const question = `\nTerminate job ${this.jobName}? [Y/n] (Ctrl-C again leaves it running) `;
    let answer: string;
    try {
      answer = await this.call.world.ask(question, this.detached);
    } catch (error) {
      if (this.detached.aborted) return;
      throw error;
    }
    if (/^n(o)?$/i.test(answer.trim())) {
      this.#count = 0;
      return;
    }
    await this.#stop();
  }

  async #stop(): Promise<void> {
    await this.call.notice(`terminating job ${this.jobName}; Ctrl-C again leaves it to itself`);
    try {
      await this.terminate();
    } catch (error) {
      // The job runs on, and so do we; the next Ctrl-C tries again.
      this.#count = 0;
      const reason = error instanceof Error ? error.message : String(error);
      await this.call.notice(`job ${this.jobName} could not be terminated: ${reason}`);
    }
  }

  /** Back to what Ctrl-C usually does. */
  async end(): Promise<void> {
    this.#undo();
    await this.#asked;
  }

  /** True once termination was ordered or the user left. */
  get happened(): boolean {
    return this.#count > 0;
  }
}
