import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { Fault, type FaultCode } from "../../shared/fault.js";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A server that does not answer for so long hangs. */
const answerLimitMs = 30_000;

/** `stoker-shim list` or `read`: whatever touches a file that may be on a server does it there. */
export class FilesShim implements Disposable {
  private readonly child: Child;
  private readonly ended: Promise<number>;

  constructor(
    program: string,
    words: readonly string[],
    private readonly signal: AbortSignal,
  ) {
    this.child = spawn(program, words, { env: {}, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
    this.child.stderr.resume();
    this.child.stdin.on("error", () => this.child.stdin.destroy());
    this.ended = new Promise((resolve) => {
      this.child.once("error", () => resolve(-1));
      this.child.once("close", (code) => resolve(code ?? -1));
    });
    signal.addEventListener("abort", this.end, { once: true });
    if (signal.aborted) this.end();
  }

  /** The file grows no more. */
  finish(): void {
    this.child.stdin.end();
  }

  /** Its output up to the first zero byte, then the rest. `waits`: it may take any time. Throws what it says is wrong. */
  async *read(waits: boolean): AsyncGenerator<{ head: string } | { bytes: Buffer }> {
    const limit = waits ? undefined : setTimeout(this.end, answerLimitMs);
    let head: Buffer | undefined;
    let before = Buffer.alloc(0);
    try {
      for await (const piece of this.child.stdout.iterator({ destroyOnReturn: false })) {
        const bytes = piece as Buffer;
        if (head !== undefined) {
          yield { bytes };
          continue;
        }
        before = Buffer.concat([before, bytes]);
        const at = before.indexOf(0);
        if (at < 0) continue;
        clearTimeout(limit);
        head = before.subarray(0, at);
        if (head[0] === exclamationMark) throw faultOf(head.toString());
        yield { head: head.toString() };
        if (at + 1 < before.length) yield { bytes: before.subarray(at + 1) };
      }
    } catch (error) {
      if (error instanceof Fault || !this.child.stdout.destroyed) throw error;
    } finally {
      clearTimeout(limit);
    }
    await this.fail(head !== undefined);
  }

  /** All of its output. */
  async text(): Promise<Buffer> {
    const limit = setTimeout(this.end, answerLimitMs);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of this.child.stdout) pieces.push(piece as Buffer);
    } catch (error) {
      if (!this.child.stdout.destroyed) throw error;
    } finally {
      clearTimeout(limit);
    }
    const all = Buffer.concat(pieces);
    if (all[0] === exclamationMark) throw faultOf(all.subarray(0, -1).toString());
    await this.fail(true);
    return all;
  }

  [Symbol.dispose](): void {
    this.signal.removeEventListener("abort", this.end);
    this.end();
  }

  private async fail(begun: boolean): Promise<void> {
    if (this.signal.aborted) throw new Fault("unavailable", "it was called off");
    const code = await this.ended;
    if (code === 0 && begun) return;
    if (code === 2) throw new Fault("unavailable", "the file became shorter, or can't be read, in the middle");
    throw new Fault("unavailable", "the file could not be read: its server does not answer");
  }

  /** One that waits for a dead server does not end, and nobody waits for it. */
  private readonly end = (): void => {
    this.child.kill("SIGKILL");
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) stream.destroy();
    this.child.unref();
  };
}

const exclamationMark = 33;

const codes: Record<string, FaultCode> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EACCES: "permission-denied",
};

const words: Record<string, string> = {
  ENOENT: "there is no such file or directory",
  ENOTDIR: "a part of it is not a directory",
  EISDIR: "it is a directory",
  EACCES: "the account that reads it there, which is that of the job, has no right to",
  EXDEV: "it leads out of the directory",
  EINVAL: "it is neither a file nor a directory",
};

function faultOf(text: string): Fault {
  const [, name = "", rest = ""] = /^!(\w+) (.*)$/s.exec(text) ?? [];
  const path = rest.replace(/: [^:]*$/, "");
  return new Fault(
    codes[name] ?? "failed-precondition",
    `${JSON.stringify(path)}: ${words[name] ?? rest.slice(path.length + 2)}`,
  );
}
