import type { Logger } from "pino";
import type { TimedMessage } from "../core/diagnosis/diagnosis.js";
import type { Thresholds } from "../core/health/health.js";
import type { MachineFinding } from "../core/health/machine/machine.js";
import { type MachineEvent, type MachineHealth, newMachineHealth, stepMachine } from "../core/health/machine/step.js";
import type { Health } from "../core/health/step.js";

/** Knows what makes the machine as a whole unfit for work. */
export class MachineWatch {
  private health: MachineHealth;
  private before = "";

  constructor(
    private readonly options: { vitalDevices: ReadonlySet<string>; thresholds: Thresholds },
    private readonly log: Logger,
  ) {
    this.health = newMachineHealth(options.vitalDevices);
  }

  kernelSaid({ at, message }: TimedMessage): void {
    this.step({ type: "kernel", at, message });
  }

  gpusAre(gpus: Health): void {
    this.step({ type: "gpus", gpus });
  }

  /** Without a failure: nvidia-smi answers. */
  driverIs(failure?: { kind: string; sentence: string }): void {
    this.step({ type: "driver", ...(failure ? { failure } : {}) });
  }

  faults(): readonly MachineFinding[] {
    return this.health.findings;
  }

  private step(event: MachineEvent): void {
    this.health = stepMachine(this.health, event, this.options.thresholds, Date.now());
    const now = this.health.findings.map(({ rule }) => rule).join();
    if (now === this.before) return;
    this.before = now;
    for (const { rule, message } of this.health.findings) this.log.warn({ rule }, message);
  }
}
