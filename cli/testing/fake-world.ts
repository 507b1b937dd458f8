import { temporaryFolder } from "../../test/fakes/temporary-folder.js";
import { run } from "../program.js";
import type { Input, Terminal, World } from "../world.js";

const deadlineMs = 10_000;

type Interrupted = (signal: "SIGINT" | "SIGTERM") => void;

/** A terminal and an environment that a test looks into. */
export class FakeWorld implements World {
  /** The fake coordinator encrypts nothing. */
  environment: NodeJS.ProcessEnv = { STOKER_TLS: "off" };
  configFolder = temporaryFolder("stoker-cli-");
  isInteractive = false;
  stdin = "";
  /** What is answered to questions, in order. */
  answers: string[] = [];
  readonly questions: string[] = [];
  readonly #out: Uint8Array[] = [];
  readonly #err: Uint8Array[] = [];
  readonly #interrupted = new Set<Interrupted>();
  /** Called after each piece of output. */
  onOutput: () => void = () => undefined;

  get stdout(): string {
    return Buffer.concat(this.#out).toString("utf8");
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString("utf8");
  }

  async out(bytes: string | Uint8Array): Promise<void> {
    this.#out.push(Buffer.from(bytes));
    this.onOutput();
  }

  async err(bytes: string | Uint8Array): Promise<void> {
    this.#err.push(Buffer.from(bytes));
    this.onOutput();
  }

  async ask(question: string, _signal: AbortSignal): Promise<string> {
    this.questions.push(question);
    const answer = this.answers.shift();
    if (answer === undefined) throw new Error(`nobody answers "${question}"`);
    return answer;
  }

  askHidden(question: string): Promise<string> {
    return this.ask(question, new AbortController().signal);
  }

  onInterrupt(handler: Interrupted): () => void {
    this.#interrupted.add(handler);
    return () => this.#interrupted.delete(handler);
  }

  /** Presses Ctrl-C. */
  interrupt(signal: "SIGINT" | "SIGTERM" = "SIGINT"): void {
    for (const handler of this.#interrupted) handler(signal);
  }

  async readStdin(): Promise<string> {
    return this.stdin;
  }

  terminal: Terminal | undefined;

  input(): Input {
    const text = this.stdin;
    async function* chunks() {
      if (text !== "") yield Buffer.from(text);
    }
    return { chunks: chunks(), close: () => undefined };
  }

  /** Resolves when what was printed so far holds the text. */
  async until(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`no "${text}" in: ${this.stdout}${this.stderr}`));
      const deadline = setTimeout(fail, deadlineMs);
      const look = () => {
        if (!`${this.stdout}${this.stderr}`.includes(text)) return;
        clearTimeout(deadline);
        resolve();
      };
      this.onOutput = look;
      look();
    });
  }

  run(...argv: string[]): Promise<number> {
    return run(argv, this);
  }
}
