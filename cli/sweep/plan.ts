import { create } from "@bufbuild/protobuf";
import { EnvironmentVariableSchema } from "../../shared/gen/stoker/v1/environment_pb.js";
import { type JobSpec, SweepSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { type JobFlags, loadJob } from "../body/job.js";
import { usage } from "../failure.js";
import type { Parameters } from "./combinations.js";
import { substituted } from "./substitute.js";

export interface PlannedJob {
  name: string;
  spec: JobSpec;
}

export interface SweepPlan {
  name: string;
  combinations: readonly Parameters[];
  maxRunning: number;
}

/** One job for each combination: the body with its `{{name}}`s replaced, and the parameters as PARAM_<NAME>. */
export function planJobs(body: unknown, flags: JobFlags, plan: SweepPlan): { jobs: PlannedJob[]; warnings: string[] } {
  const width = String(plan.combinations.length).length;
  const warnings = new Set<string>();
  const jobs = plan.combinations.map((parameters, at) => {
    const loaded = loadJob(substituted(body, parameters), flags);
    for (const warning of loaded.warnings) warnings.add(warning);
    const { spec } = loaded;
    const { name, maxRunning } = plan;
    spec.sweep = create(SweepSchema, { name, index: at + 1, maxRunning, parameters });
    for (const [parameter, value] of Object.entries(parameters)) give(spec, `PARAM_${parameter.toUpperCase()}`, value);
    return { name: `${name}-${String(at + 1).padStart(width, "0")}`, spec };
  });
  return { jobs, warnings: [...warnings] };
}

function give(spec: JobSpec, name: string, value: string): void {
  if (spec.environmentVariables.some((variable) => variable.name === name)) {
    throw usage(`environmentVariables: ${name} is set by the sweep; call the parameter something else`);
  }
  spec.environmentVariables.push(create(EnvironmentVariableSchema, { name, value }));
}
