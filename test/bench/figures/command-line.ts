import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { percentile } from "../measure.js";

const program = resolve(import.meta.dirname, "../../../dist/stoker.js");

/** What every command costs before it does anything. */
export async function commandLineStart(): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < 9; sample++) {
    const start = performance.now();
    spawnSync(process.execPath, [program, "job", "list", "--help"]);
    samples.push(performance.now() - start);
  }
  return percentile(samples, 50);
}
