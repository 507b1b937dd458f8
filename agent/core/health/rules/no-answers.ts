import type { HealthRule } from "../health.js";

export const noAnswers: HealthRule = {
  name: "no-answers",
  state: "failed",
  readings: 2,
  lasts: false,
  advice: "look at the kernel's log, and start the machine anew",
  source: "values that read `Unknown Error` or `ERR!`",
  threshold: { standard: 8, what: "values that read so" },
  found: ({ gpu }, threshold) =>
    !gpu.lost && gpu.errorBodies >= threshold
      ? `does not answer ${gpu.errorBodies} of the questions about it`
      : undefined,
};
