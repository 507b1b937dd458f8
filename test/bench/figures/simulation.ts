import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../simulation/bundle.js";
import { play } from "../../simulation/players.js";
import { wallMs } from "../measure.js";

const players = 2;
const seconds = 20;

/** Hours of a lab of 20 nodes and 200 jobs a day that two processes play in a minute. */
export async function simulatedHoursPerMinute(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-simulate-"));
  try {
    const program = join(folder, "player.mjs");
    await bundle(program);
    let simulatedMs = 0;
    const began = wallMs();
    const what = { step: players, count: Number.MAX_SAFE_INTEGER, seconds, kind: "lab" };
    const one = (first: number) =>
      play(program, { ...what, first }, (played) => {
        if (played.failure !== undefined) throw new Error(played.failure);
        simulatedMs += played.simulatedMs;
      });
    await Promise.all(Array.from({ length: players }, (_, index) => one(1 + index)));
    return simulatedMs / 3_600_000 / ((wallMs() - began) / 60_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
