import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.js";
import { failureOf, lineOf } from "./failure.js";
import { type Mutant, mutants } from "./mutants.js";
import type { Played } from "./player.js";
import { play, playBroken } from "./players.js";
import { simulate } from "./simulate.js";
import { missingFrom } from "./transitions.js";
import { labPlan, type PlanKind, planOf } from "./world/plan.js";

const usage = `npm run simulate -- --seed N [--plan KIND]       plays one plan again, and tells all that happens
npm run simulate -- --hours H [--first N]       plays plans on all cores for H hours, and says what was covered
npm run simulate -- --mutants [--only NAME]     breaks each protective rule in turn; every one must be noticed
`;

export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      seed: { type: "string" },
      plan: { type: "string" },
      hours: { type: "string" },
      first: { type: "string" },
      mutants: { type: "boolean" },
      only: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.seed !== undefined) return await replay(Number(values.seed), values.plan as PlanKind | undefined);
  if (values.hours !== undefined) return await playHours(Number(values.hours), Number(values.first ?? 1));
  if (values.mutants) return await breakRules(mutants.filter(({ name }) => name.includes(values.only ?? "")));
  (values.help ? process.stdout : process.stderr).write(usage);
  return values.help ? 0 : 2;
}

async function replay(seed: number, kind: PlanKind | undefined): Promise<number> {
  const plan = kind === "lab" ? labPlan(seed) : planOf(seed, kind);
  const outcome = await simulate(plan, { remembered: Number.POSITIVE_INFINITY });
  for (const seen of outcome.story) process.stdout.write(`${lineOf(seen)}\n`);
  if (outcome.breaches.length > 0) process.stdout.write(`${failureOf({ ...outcome, story: [] })}\n`);
  else process.stdout.write(`seed ${seed}, ${outcome.kind}: every law was kept, in ${outcome.steps} steps\n`);
  return outcome.breaches.length > 0 ? 1 : 0;
}

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-simulate-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function playHours(hours: number, first: number): Promise<number> {
  return inFolder(async (folder) => {
    const program = join(folder, "player.mjs");
    await bundle(program);
    const total = new Total();
    const cores = availableParallelism();
    const seconds = hours * 3600;
    const count = Number.MAX_SAFE_INTEGER;
    const players = Array.from({ length: cores }, (_, core) =>
      play(program, { first: first + core, step: cores, count, seconds }, (played) => total.add(played)),
    );
    await Promise.all(players);
    process.stdout.write(total.report());
    return total.failures.length > 0 ? 1 : 0;
  });
}

class Total {
  readonly failures: string[] = [];
  private readonly taken = new Map<string, number>();
  private readonly faults = new Map<string, number>();
  private plans = 0;
  private simulatedMs = 0;
  private steps = 0;

  add({ failure, simulatedMs, steps, taken, faults }: Played): void {
    this.plans += 1;
    this.simulatedMs += simulatedMs;
    this.steps += steps;
    for (const [name, times] of taken) this.taken.set(name, (this.taken.get(name) ?? 0) + times);
    for (const [name, times] of Object.entries(faults)) this.faults.set(name, (this.faults.get(name) ?? 0) + times);
    if (failure !== undefined) this.failures.push(failure);
  }

  report(): string {
    const rows = (all: Map<string, number>) =>
      [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, times]) => `${String(times).padStart(10)}  ${name}`);
    const missing = missingFrom(this.taken);
    return [
      "faults:",
      ...rows(this.faults),
      "transitions:",
      ...rows(this.taken),
      missing.length === 0 ? "every transition was taken" : `never taken: ${missing.join("; ")}`,
      ...this.failures,
      `${this.plans} plans, ${(this.simulatedMs / 3_600_000).toFixed(1)} hours of simulated time, ${this.steps} steps, ${this.failures.length} broken laws`,
      "",
    ].join("\n");
  }
}

/** Counted in plans, so that a busy machine lets no rule escape. Most are noticed within a hundred. */
const mostEach = { plans: 3_000, seconds: 3_600 };

function breakRules(chosen: readonly Mutant[]): Promise<number> {
  return inFolder(async (folder) => {
    const waiting = [...chosen.entries()];
    let escaped = 0;
    process.stdout.write(`${row("mutant", "caught by", "seed", "steps", "s")}\n`);
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        if (!(await isCaught(next[1], join(folder, `${next[0]}.mjs`)))) escaped += 1;
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    process.stdout.write(`${chosen.length - escaped} of ${chosen.length} mutants were caught\n`);
    return escaped > 0 ? 1 : 0;
  });
}

async function isCaught(mutant: Mutant, program: string): Promise<boolean> {
  const began = Date.now();
  const { caught, steps } = await playBroken(mutant, program, mostEach);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  const where = caught ? `${caught.kind} ${caught.seed}` : "-";
  process.stdout.write(`${row(mutant.name, caught?.law ?? "NOT CAUGHT", where, String(steps), seconds)}\n`);
  return caught !== undefined;
}

const row = (name: string, law: string, seed: string, steps: string, seconds: string) =>
  `${name.padEnd(54)} ${law.padEnd(21)} ${seed.padEnd(16)} ${steps.padStart(9)} ${seconds.padStart(6)}`;
