import type { Failure } from "../lease-state.js";
import type { Monotonic } from "../time.js";
import type { PreparationState } from "./state.js";

/** How far the node is, as the coordinator hears it. */
export interface PreparationTold {
  readonly id: string;
  readonly state: "preparing" | "ready" | "failed";
  readonly doing: string;
  readonly ageMs: number;
  readonly fault?: Failure;
  readonly warnings: readonly string[];
}

export function reportOf(state: PreparationState, now: Monotonic): PreparationTold {
  const { step, plan, warnings, since } = state;
  const told = { id: plan?.id ?? "", doing: doing(state), ageMs: Math.max(0, now - since), warnings };
  if (step.kind === "ready" || step.kind === "free") return { ...told, state: "ready" };
  const fault = step.kind === "failed" || step.kind === "mounting" ? step.fault : undefined;
  return fault ? { ...told, state: "failed", fault } : { ...told, state: "preparing" };
}

function doing({ step, plan, process }: PreparationState): string {
  switch (step.kind) {
    case "clearing":
      return process === "none" ? "clearing up after its last cluster" : "ending an earlier setup task";
    case "mounting": {
      const volumes = plan?.mounts.length ?? 0;
      if (volumes === 0) return "unmounting earlier volumes";
      return `mounting ${volumes} volume${volumes === 1 ? "" : "s"}`;
    }
    case "account":
      return `making the account ${plan?.account?.name ?? ""}`;
    case "task":
      return "running the setup task";
    default:
      return "";
  }
}
