import type { GpuFault as Told } from "../../shared/gen/stoker/v1/node_pb.js";
import type { Instant } from "./state.js";

/** What a node says of a GPU of its own that is less than healthy. Heard, never stored: the node says it again. */
export interface GpuFault {
  readonly uuid: string;
  /** `suspect` is chosen last, `draining` gets nothing new, and what runs on a `failed` one is ended. `in test` is our own word. */
  readonly state: "suspect" | "draining" | "failed" | "in test";
  readonly rule: string;
  readonly message: string;
  readonly since: Instant;
}

const states = ["suspect", "draining", "failed"] as const;
const faultsMax = 1024;

/** One of a state that this version doesn't know is out of service: it is the safe one. */
export function narrowGpuFaults(told: readonly Told[]): GpuFault[] {
  return told.slice(0, faultsMax).map(({ uuid, state, rule, message, since }) => ({
    uuid: uuid.slice(0, 100),
    state: states.find((each) => each === state) ?? "draining",
    rule: rule.slice(0, 64),
    message: message.slice(0, 500),
    since: instantOf(since?.seconds),
  }));
}

/** The year 10000: what is later no view could show. */
const latestInstant = 253_402_300_800_000;

function instantOf(seconds: bigint | undefined): Instant {
  const ms = Number(seconds ?? 0n) * 1000;
  return ms >= 0 && ms < latestInstant ? ms : 0;
}

export const faultsOf = (liveness: { readonly gpuFaults?: readonly GpuFault[] } | undefined): readonly GpuFault[] =>
  liveness?.gpuFaults ?? [];

export const isOutOfService = ({ state }: GpuFault) => state !== "suspect";
