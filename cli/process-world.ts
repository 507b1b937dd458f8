import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Terminal, World } from "./world.js";

/** The world of a real process. */
export function processWorld(): World {
  const environment = process.env;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // The reader has gone, as with `| head`: nobody is left to tell.
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
  return {
    environment,
    configFolder: join(environment.XDG_CONFIG_HOME || join(homedir(), ".config"), "stoker"),
    out: (bytes) => write(process.stdout, bytes),
    err: (bytes) => write(process.stderr, bytes),
    isInteractive: process.stderr.isTTY === true && process.stdin.isTTY === true,
    async ask(question, signal) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      // readline takes Ctrl-C for itself while it asks.
      lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
      try {
        return await lines.question(question, { signal });
      } finally {
        lines.close();
      }
    },
    askHidden: (question) => askHidden(question),
    onInterrupt(handler) {
      const signals = ["SIGINT", "SIGTERM"] as const;
      const handlers = signals.map((signal) => [signal, () => handler(signal)] as const);
      for (const [signal, listener] of handlers) process.on(signal, listener);
      return () => {
        for (const [signal, listener] of handlers) process.off(signal, listener);
      };
    },
    async readStdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
    input: () => ({
      chunks: process.stdin.iterator({ destroyOnReturn: false }),
      close: () => void process.stdin.destroy(),
    }),
    terminal: process.stdin.isTTY && process.stdout.isTTY ? terminal(environment) : undefined,
  };
}

function terminal(environment: NodeJS.ProcessEnv): Terminal {
  const { stdin, stdout } = process;
  return {
    type: environment.TERM ?? "",
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize(handler) {
      stdout.on("resize", handler);
      return () => stdout.off("resize", handler);
    },
    raw() {
      stdin.setRawMode(true);
      return () => void stdin.setRawMode(false);
    },
  };
}

/** readline writes what is typed to its output; here that is nowhere. */
async function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  // Not before: from now on the terminal itself does not show what is typed either.
  await write(process.stderr, question);
  try {
    return await lines.question("");
  } finally {
    lines.close();
    await write(process.stderr, "\n");
  }
}

async function write(stream: NodeJS.WriteStream, bytes: string | Uint8Array): Promise<void> {
  if (bytes.length === 0 || stream.write(bytes)) return;
  await new Promise<void>((resolve) => stream.once("drain", resolve));
}
