import { spawn } from "node:child_process";
import { usage } from "../failure.js";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface SshOptions {
  /** Finds `ssh` and `tar`. */
  environment: NodeJS.ProcessEnv;
  identityFile?: string | undefined;
}

const connectSeconds = 10;

/** A host that `ssh` of this machine reaches without a password, by the user's own configuration. */
export class Ssh {
  constructor(
    /** Such as `root@m1`. */
    readonly host: string,
    private readonly options: SshOptions,
  ) {}

  /** A script for `sh`, with this on its stdin. */
  run(script: string, input = ""): Promise<Ran> {
    return this.start("ssh", this.words(script), { input });
  }

  /** The same, with files as a tar on its stdin. */
  runWithFiles(script: string, files: ReadonlyArray<{ folder: string; name: string }>): Promise<Ran> {
    const tar = ["tar", "-cf", "-", ...files.flatMap(({ folder, name }) => ["-C", folder, name])].map(quoted).join(" ");
    const ssh = ["ssh", ...this.words(script)].map(quoted).join(" ");
    return this.start("sh", ["-c", `${tar} | ${ssh}`], {});
  }

  private words(script: string): string[] {
    const { identityFile } = this.options;
    // Nobody sits at each of many hosts to answer questions. A host that is seen for the first time is believed, and known from then on.
    const settings = [
      "BatchMode=yes",
      `ConnectTimeout=${connectSeconds}`,
      "StrictHostKeyChecking=accept-new",
      "LogLevel=ERROR",
    ];
    const identity = identityFile === undefined ? [] : ["-i", identityFile];
    return [...settings.flatMap((setting) => ["-o", setting]), ...identity, "--", this.host, `sh -c ${quoted(script)}`];
  }

  private start(program: string, words: readonly string[], { input = "" }: { input?: string }): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, words, { env: this.options.environment, stdio: ["pipe", "pipe", "pipe"] });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
      // A host that is gone reads nothing; its exit code tells.
      child.stdin.on("error", () => undefined);
      child.on("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "ENOENT" ? usage(`there is no ${program} on this machine: apt install openssh-client`) : error,
        ),
      );
      child.on("close", (code) =>
        resolve({ code: code ?? 255, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
      child.stdin.end(input);
    });
  }
}

export const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
