/** What a command meets outside itself; tests give their own. */
export interface World {
  environment: NodeJS.ProcessEnv;
  /** Where profiles are: `~/.config/stoker`. */
  configFolder: string;
  /** Resolves when the reader can take more; never rejects: a reader that is gone ends the program. */
  out(bytes: string | Uint8Array): Promise<void>;
  err(bytes: string | Uint8Array): Promise<void>;
  /** Someone reads stderr as it comes. */
  isInteractive: boolean;
  /** Asks on the terminal; only when isInteractive. */
  ask(question: string, signal: AbortSignal): Promise<string>;
  /** The same, without showing what is typed. */
  askHidden(question: string): Promise<string>;
  /** Calls at each Ctrl-C or SIGTERM in place of ending the program; returns how to undo that. */
  onInterrupt(handler: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  readStdin(): Promise<string>;
  /** Stdin as it comes, for a program elsewhere. */
  input(): Input;
  /** Undefined unless stdin and stdout are both the user's terminal. */
  terminal: Terminal | undefined;
}

export interface Input {
  chunks: AsyncIterable<Uint8Array>;
  /** Reads no more, so that the program can end. */
  close(): void;
}

export interface Terminal {
  /** Such as `xterm-256color`. */
  type: string;
  size(): { columns: number; rows: number };
  onResize(handler: () => void): () => void;
  /** Every key as it is pressed, Ctrl-C included; returns how to undo that. */
  raw(): () => void;
}
