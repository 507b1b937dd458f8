import type { Instant } from "../time.js";
import type { SmiGpu } from "./smi-gpu.js";

/**
 * - `suspect`: something is odd; it serves on, and is chosen last
 * - `draining`: what runs on it may end; nothing new begins before it is reset
 * - `failed`: it serves nobody, and what runs on it is ended
 */
export type GpuState = "healthy" | "suspect" | "draining" | "failed";

/** What makes a GPU less than healthy. */
export interface Finding {
  readonly rule: string;
  readonly state: Exclude<GpuState, "healthy">;
  /** For people, after its name: `fell off the bus, Xid 79`. */
  readonly words: string;
  readonly advice: string;
  readonly since: Instant;
}

/** One thing that is looked for at each reading. */
export interface HealthRule {
  readonly name: string;
  readonly state: Finding["state"];
  /** So many readings in a row must show it: some things come and go by themselves. */
  readonly readings: number;
  /** True: only a reset or a restart of the machine takes it back, however the next reading looks. */
  readonly lasts: boolean;
  readonly advice: string;
  /** Where the threshold comes from. */
  readonly source: string;
  /** What it found, in words. Missing values are never a fault. */
  found(reading: Reading): string | undefined;
}

export interface Reading {
  readonly gpu: SmiGpu;
  readonly before: SmiGpu | undefined;
  readonly baseline: Baseline;
  /** A lease holds it. */
  readonly held: boolean;
  /** Pids of all leases' processes on this machine. */
  readonly ownPids: ReadonlySet<number>;
  readonly thresholds: Thresholds;
}

/** What this very GPU was like when it was first seen, or at its best. */
export interface Baseline {
  readonly width?: number;
  readonly idleMemoryBytes?: number;
}

/** May be changed by the machine's owner. */
export interface Thresholds {
  readonly retiredPagesMax: number;
  readonly strayMemoryBytes: number;
  readonly errorBodiesMax: number;
  readonly busyPercent: number;
}

export const defaultThresholds: Thresholds = {
  retiredPagesMax: 60,
  strayMemoryBytes: 600 * 2 ** 20,
  errorBodiesMax: 8,
  busyPercent: 90,
};

const gravity: Record<GpuState, number> = { healthy: 0, suspect: 1, draining: 2, failed: 3 };

export function worst(findings: readonly Finding[]): GpuState {
  let state: GpuState = "healthy";
  for (const finding of findings) if (gravity[finding.state] > gravity[state]) state = finding.state;
  return state;
}

/** The gravest first; of equal ones the older. */
export function byGravity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => gravity[b.state] - gravity[a.state] || a.since - b.since);
}
