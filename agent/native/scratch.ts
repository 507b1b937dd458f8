import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";

/** What the tests of the shim need: the program as built, folders that go away, and a look at real processes. */
export const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");

export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "shim-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** Processes whose command line holds the text: tests mark theirs with a number that nobody else has. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => readProc(name, "cmdline").includes(text))
    .map(Number);
}

export const stateOf = (pid: number) => /\) (\S)/.exec(readProc(String(pid), "stat"))?.[1];

function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}

export function run(argv: string[], options: { env?: Record<string, string>; stdin?: "pipe" } = {}) {
  const child = spawn(shim, argv, {
    env: { PATH: process.env.PATH ?? "", ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; output: string; words: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, output, words }));
  });
  return { child, ended };
}
