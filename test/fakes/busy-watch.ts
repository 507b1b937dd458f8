import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.js";

/**
 * Measures from inside a Node process for how long its event loop was kept: a program that is loaded before its own. What counts is the
 * processor time of its main thread between two looks, so that others who take the machine meanwhile don't count.
 */
export class BusyWatch {
  private readonly dir = mkdtempSync(join(tmpdir(), "stoker-busy-"));
  private asked = 0;

  constructor() {
    writeFileSync(join(this.dir, "watch.mjs"), watchText(this.dir));
  }

  /** For the environment of the process. */
  get nodeOptions(): string {
    return `--import file://${join(this.dir, "watch.mjs")}`;
  }

  /** The longest since the last time that this was asked, in milliseconds. */
  async longestMs(pid: number): Promise<number> {
    this.asked += 1;
    const path = join(this.dir, `told-${this.asked}`);
    process.kill(pid, "SIGUSR2");
    const text = await until("the process tells how busy it was", () => readIfThere(path), 60_000);
    return Number(text);
  }

  dispose(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8") || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

const watchText = (dir: string) => `
import { openSync, readSync, writeFileSync, renameSync } from "node:fs";
const file = openSync("/proc/self/schedstat", "r");
const buffer = Buffer.alloc(100);
const usedMs = () => Number(buffer.toString("latin1", 0, readSync(file, buffer, 0, 100, 0)).split(" ")[0]) / 1e6;
let before = usedMs();
let longest = 0;
let told = 0;
const look = () => {
  const now = usedMs();
  longest = Math.max(longest, now - before);
  before = now;
};
setInterval(look, 2).unref();
process.on("SIGUSR2", () => {
  look();
  told += 1;
  writeFileSync(${JSON.stringify(dir)} + "/new", String(longest));
  renameSync(${JSON.stringify(dir)} + "/new", ${JSON.stringify(dir)} + "/told-" + told);
  longest = 0;
});
`;
