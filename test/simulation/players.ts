import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { bundle } from "./bundle.js";
import type { Mutant } from "./mutants.js";
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

/** Plays with the rule broken, until a law is. */
export async function playBroken(
  mutant: Mutant,
  program: string,
  most: { plans: number; seconds: number },
): Promise<{ caught: Played | undefined; steps: number }> {
  await bundle(program, mutant.patches);
  const all: Played[] = [];
  const what = { first: 1, step: 1, count: most.plans, seconds: most.seconds, kind: mutant.plan };
  await play(program, what, (played) => all.push(played));
  return {
    caught: all.find(({ law }) => law !== undefined),
    steps: all.reduce((sum, { steps }) => sum + steps, 0),
  };
}

const codeOf = (child: ChildProcess) =>
  new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
