import type { Rule } from "./rule.js";
import { rules } from "./rules.js";

export interface MethodRule {
  /** `JobService.CreateJob` */
  readonly verb: string;
  readonly rule: Rule;
}

const byPath = new Map<string, MethodRule>();
for (const [service, methods] of Object.entries(rules)) {
  for (const [method, rule] of Object.entries(methods as Record<string, Rule>)) {
    const name = `${method.charAt(0).toUpperCase()}${method.slice(1)}`;
    byPath.set(`/stoker.v1.${service}/${name}`, { verb: `${service}.${name}`, rule });
  }
}

/** Of `/stoker.v1.JobService/CreateJob`; undefined of what is none of ours. */
export const ruleOfPath = (path: string): MethodRule | undefined => byPath.get(path);
