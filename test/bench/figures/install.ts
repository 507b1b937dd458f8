import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(import.meta.dirname, "../../..");

/**
 * Two bare lab machines of the quick tier, from the first command that is typed to the first MPI job's end. The lab is a process of its own,
 * whose words go to stderr; where it can't be, the last of them say why.
 */
export async function installToFirstJobSeconds(): Promise<number> {
  const words = ["--import", "tsx", "test/lab/main.ts", "--tier", "quick", "first-job"];
  const lab = spawn(process.execPath, words, {
    cwd: root,
    // Whatever lab somebody has up is left alone.
    env: { ...process.env, STOKER_LAB_NAME: process.env.STOKER_LAB_NAME ?? "bench" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number>((done, failed) => lab.on("error", failed).on("close", (code) => done(code ?? 1)));
  const [told, complained] = await Promise.all([linesOf(lab.stdout), linesOf(lab.stderr)]);
  const code = await ended;
  const seconds = told.map((line) => /installToFirstJobSeconds = ([\d.]+) s/.exec(line)?.[1]).find(Boolean);
  if (code === 0 && seconds !== undefined) return Number(seconds);
  const reason = complained.find((line) => line.startsWith("no lab: "));
  throw new Error(
    reason ? `it can't be measured here, where there is ${reason}` : `the lab's scenario failed (${code})`,
  );
}

async function linesOf(stream: NodeJS.ReadableStream): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    process.stderr.write(`${line}\n`);
    lines.push(line);
  }
  return lines;
}
