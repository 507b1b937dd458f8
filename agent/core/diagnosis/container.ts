import type { Rule } from "./diagnosis.js";

const sigkill = 9;

export const containerGoneText =
  "its container was ended from outside, not by its agent: somebody on the machine removed it, or its runtime was started anew";

/** With its container goes all that runs in it, killed. */
export const containerRules: readonly Rule[] = [
  {
    name: "container-gone",
    class: "node",
    proven: true,
    sentence: ({ containerGone, signal, exitCode }) =>
      containerGone && (signal === sigkill || exitCode === 128 + sigkill) ? containerGoneText : undefined,
  },
];
