import type { Check } from "./check.js";
import type { Ended } from "./program.js";

/** What `dcgmi diag` printed, of one GPU: a test that failed, or that it had none to fail. */
export function dcgmiCheck(gpuUuid: string, level: number, { code, output, missing }: Ended): Check {
  const told = (outcome: Check["outcome"], message: string): Check => ({
    ...{ name: "dcgmi", gpuUuid, outcome, message, numbers: {} },
  });
  if (missing) return told("skipped", "dcgmi, of NVIDIA's DCGM, is not installed");
  if (code === undefined) return told("failed", `dcgmi diag -r ${level} did not end in time`);
  const bad = output
    .split("\n")
    .map((line) => /^\|\s*(.+?)\s*\|\s*Fail\b(.*?)\|?$/i.exec(line.trim()))
    .find((match) => match !== null);
  if (bad) return told("failed", `dcgmi diag -r ${level}: ${bad[1]} failed`);
  if (code === 0) return told("passed", `dcgmi diag -r ${level} passed`);
  // Its host engine does not run, or does not know this GPU: nothing is proven.
  const words = output.trim().split("\n").at(-1)?.slice(0, 200) ?? "";
  return told("skipped", `dcgmi diag -r ${level} could not be run (exit code ${code}): ${words}`);
}
