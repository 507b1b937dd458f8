import type { Random } from "./random.js";

/** What a job's processes do, by themselves: the same in every attempt. */
export interface Program {
  readonly preparationMs: number;
  readonly preparationExitCode: number;
  readonly durationMs: number;
  readonly exitCode: number;
  /** Obeys SIGTERM so soon; undefined: never. */
  readonly obeysMs: number | undefined;
  /** Leaves a process behind that has left its session: only a search finds it. */
  readonly strays: boolean;
  readonly stdoutBytes: number;
  /** Mounting, directories and the like, each step. */
  readonly stepMs: number;
}

export function randomProgram(random: Random, longestMs: number): Program {
  return {
    preparationMs: random.chance(0.3) ? random.span(100, 25_000) : 0,
    preparationExitCode: random.chance(0.05) ? 1 : 0,
    durationMs: random.span(200, longestMs),
    exitCode: random.chance(0.15) ? random.int(1, 3) : 0,
    obeysMs: random.chance(0.8) ? random.span(1, 8_000) : undefined,
    strays: random.chance(0.15),
    stdoutBytes: random.int(0, 1_000_000),
    stepMs: random.span(1, 3_000),
  };
}
