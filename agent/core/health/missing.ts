import type { Instant } from "../time.js";
import type { Finding } from "./health.js";
import type { GpuHealth } from "./step.js";

const missingRule = "missing";

/** Listed before, and not any more. */
export function missing(known: GpuHealth, now: Instant): GpuHealth {
  if (known.findings.some(({ rule }) => rule === missingRule)) return known;
  const finding: Finding = {
    ...{ rule: missingRule, state: "failed", since: now },
    words: "is no longer listed by nvidia-smi",
    advice: "look at the kernel's log, and start the machine anew",
  };
  return { ...known, findings: [...known.findings, finding], streaks: {} };
}
