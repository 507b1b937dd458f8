import type { KernelMessage } from "../../kernel/message.js";
import type { Instant } from "../../time.js";
import { isOff, type Thresholds, thresholdOf } from "../health.js";
import type { Health } from "../step.js";
import type { MachineFinding, MachineSeen } from "./machine.js";
import { machineRules } from "./rules.js";

export interface MachineHealth {
  readonly seen: MachineSeen;
  readonly findings: readonly MachineFinding[];
}

export type MachineEvent =
  | { type: "kernel"; at: Instant; message: KernelMessage }
  | { type: "gpus"; gpus: Health }
  /** Without a failure: it answered. */
  | { type: "driver"; failure?: { kind: string; sentence: string } };

const counted: ReadonlySet<KernelMessage["kind"]> = new Set<KernelMessage["kind"]>([
  ...(["machine-check", "read-only", "disk-error"] as const),
]);
const keptMax = 200;

export const newMachineHealth = (vitalDevices: ReadonlySet<string>): MachineHealth => ({
  seen: { kernel: [], gpus: new Map(), vitalDevices },
  findings: [],
});

export function stepMachine(
  { seen: before, findings: known }: MachineHealth,
  event: MachineEvent,
  thresholds: Thresholds,
  now: Instant,
): MachineHealth {
  const seen = see(before, event, now);
  // What the kernel said long ago is judged as of then: an agent that begins again finds the same.
  const at = event.type === "kernel" ? event.at : now;
  const findings: MachineFinding[] = [];
  for (const rule of machineRules) {
    if (isOff(thresholds, rule.name)) continue;
    const found = rule.found(seen, thresholdOf(thresholds, rule), at);
    const earlier = known.find((finding) => finding.rule === rule.name);
    if (found) {
      const message = `${found.words}: ${rule.advice}`;
      findings.push({ rule: rule.name, message, since: earlier?.since ?? found.since });
    } else if (earlier && rule.lasts) findings.push(earlier);
  }
  return { seen, findings };
}

function see(seen: MachineSeen, event: MachineEvent, now: Instant): MachineSeen {
  switch (event.type) {
    case "kernel": {
      if (!counted.has(event.message.kind)) return seen;
      return { ...seen, kernel: [...seen.kernel, { at: event.at, message: event.message }].slice(-keptMax) };
    }
    case "gpus":
      return { ...seen, gpus: event.gpus };
    case "driver": {
      const { driver, ...rest } = seen;
      return event.failure ? { ...rest, driver: { ...event.failure, since: driver?.since ?? now } } : rest;
    }
  }
}
