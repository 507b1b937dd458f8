import type { Diagnosis } from "../../../shared/gen/stoker/v1/agent_service_pb.js";

/** Why a process died, as its node found. */
export interface Cause {
  readonly faultClass: "user" | "transient" | "node" | "gpu" | "storage";
  readonly sentence: string;
  /** The machine bears witness, and not the program's words alone. */
  readonly proven: boolean;
}

const faultClasses = ["user", "transient", "node", "gpu", "storage"] as const;

/** Of a class that this version doesn't know, none. */
export function causeOf(told: Diagnosis | undefined): Cause | undefined {
  const faultClass = faultClasses.find((each) => each === told?.faultClass);
  return told && faultClass ? { faultClass, sentence: told.sentence.slice(0, 500), proven: told.proven } : undefined;
}

/** What is not the job's own is tried elsewhere, and uses up none of its retries. */
export const machineFaults: Partial<Record<Cause["faultClass"], string>> = {
  node: "NodeFailed",
  gpu: "GpuFailed",
  storage: "NodeStorageFailed",
};
