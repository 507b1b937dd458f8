import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * A real file system of a few MiB: a tmpfs in a mount namespace of a process of ours, reached by /proc. Needs neither root nor a place in our
 * own tree, and goes with that process.
 */
export class SmallDisk {
  /** As those see it that are started by `enter`. */
  readonly inside = "/mnt";

  private constructor(private readonly holder: ChildProcess) {}

  /** As the test sees it. No path for SQLite, which follows links by itself. */
  get dir(): string {
    return `/proc/${this.holder.pid}/root${this.inside}`;
  }

  /** Words before a command that is to see it. */
  get enter(): [string, ...string[]] {
    return ["nsenter", "-t", String(this.holder.pid), "-U", "-m", "--preserve-credentials"];
  }

  static async make(bytes: number): Promise<SmallDisk> {
    const mounting = `mount -t tmpfs -o size=${bytes},nr_inodes=20000 tmpfs /mnt && echo ready && exec sleep 1000000`;
    const holder = spawn("unshare", ["-rm", "/bin/sh", "-c", mounting], { stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => void holder.kill("SIGKILL"));
    let words = "";
    holder.stderr?.on("data", (data: Buffer) => {
      words += data.toString();
    });
    await new Promise<void>((resolve, reject) => {
      holder.stdout?.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("exit", () => reject(new Error(`no small disk can be made here: ${words.trim()}`)));
    });
    return new SmallDisk(holder);
  }

  /** Somebody else's file takes all that is left but so much. */
  fill(leaving = 0): void {
    const file = openSync(this.filler, "w");
    try {
      const { bavail, bsize } = statfsSync(this.dir);
      const piece = Buffer.alloc(4096, "x");
      for (let left = bavail * bsize - leaving; left >= piece.length; left -= piece.length) writeSync(file, piece);
      fsyncSync(file);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Not even an empty file can be made any more: on a tmpfs that still has room for bytes otherwise. */
  useUpNames(): void {
    const folder = `${this.filler}-names`;
    mkdirSync(folder);
    try {
      for (let number = 0; ; number++) writeFileSync(join(folder, String(number)), "");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }

  makeRoom(): void {
    rmSync(this.filler, { force: true });
    rmSync(`${this.filler}-names`, { recursive: true, force: true });
  }

  private get filler(): string {
    return join(this.dir, "filler");
  }
}
