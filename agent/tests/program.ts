import { type ChildProcess, spawn } from "node:child_process";

export interface Ended {
  /** Undefined when it was killed, for want of an end or because nobody wants it any more. */
  code: number | undefined;
  output: string;
  /** There is no such program. */
  missing: boolean;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  kill(): void;
}

const outputMax = 4 * 2 ** 20;

/** A program of a test: in a group of its own, without the agent's environment, and not waited for any longer than its limit, whatever holds it. */
export function start(
  program: string,
  words: readonly string[],
  options: { limitMs: number; environment?: Record<string, string>; input?: string; signal?: AbortSignal },
): Running {
  const { limitMs, environment = {}, input = "", signal } = options;
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const env = { PATH: process.env.PATH ?? path, LC_ALL: "C", ...environment };
  const child = spawn(program, words, { detached: true, cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] });
  let end: (ended: Ended) => void = () => undefined;
  const ended = new Promise<Ended>((resolve) => {
    end = resolve;
  });
  let output = "";
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    child.unref();
    finish({ code: undefined, output, missing: false });
  };
  const limit = setTimeout(kill, limitMs);
  function finish(how: Ended): void {
    clearTimeout(limit);
    signal?.removeEventListener("abort", kill);
    end(how);
  }
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < outputMax) output += text;
    });
  }
  // It may end before it has read a word.
  child.stdin.on("error", () => undefined);
  child.stdin.write(input);
  child.once("error", (error) => {
    finish({ code: undefined, output: "", missing: "code" in error && error.code === "ENOENT" });
  });
  child.once("close", (code) => finish({ code: code ?? undefined, output, missing: false }));
  return { child, ended, kill };
}
