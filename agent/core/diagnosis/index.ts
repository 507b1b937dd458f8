import { containerRules } from "./container.js";
import type { Diagnosis, Evidence, Rule } from "./diagnosis.js";
import { exitRules } from "./exits.js";
import { gpuRules } from "./gpu.js";
import { machineRules } from "./machine.js";
import { wordRules } from "./words.js";

/** In this order; the first that fits explains the death. The machine's evidence counts more than the program's words, and these more than a number. */
export const rules: readonly Rule[] = [...gpuRules, ...machineRules, ...containerRules, ...wordRules, ...exitRules];

/** Undefined for an end that needs no cause, or whose cause nobody knows. */
export function diagnose(evidence: Evidence): Diagnosis | undefined {
  if (evidence.wasStopped || (evidence.exitCode === 0 && evidence.signal === 0)) return undefined;
  for (const rule of rules) {
    const sentence = rule.sentence(evidence);
    if (sentence !== undefined) return { rule: rule.name, class: rule.class, sentence, proven: rule.proven };
  }
  return undefined;
}
