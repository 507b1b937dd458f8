import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Played } from "./player.js";

export interface Playing {
  first: number;
  step: number;
  count: number;
  seconds: number;
  kind?: string;
}

/** Runs a bundled player to its end, and gives what it says as it says it. */
export async function play(program: string, what: Playing, each: (played: Played) => void): Promise<void> {
  const { first, step, count, seconds, kind } = what;
  const words = [first, step, count, seconds].map(String);
  const child = spawn(process.execPath, [program, ...words, ...(kind === undefined ? [] : [kind])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = codeOf(child);
  for await (const line of createInterface({ input: child.stdout })) each(JSON.parse(line) as Played);
  const code = await ended;
  if (code !== 0) throw new Error(`the player ended with exit code ${code}`);
}

const codeOf = (child: ChildProcess) =>
  new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
