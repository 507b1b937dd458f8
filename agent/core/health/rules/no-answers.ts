import type { HealthRule } from "../health.js";

export const noAnswers: HealthRule = {
  name: "no-answers",
  state: "failed",
  readings: 2,
  lasts: false,
  advice: "look at the kernel's log, and start the machine anew",
  source: "values that read `Unknown Error` or `ERR!`",
  found: ({ gpu, thresholds }) =>
    !gpu.lost && gpu.errorBodies >= thresholds.errorBodiesMax
      ? `does not answer ${gpu.errorBodies} of the questions about it`
      : undefined,
};
