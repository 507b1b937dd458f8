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
  readonly threshold?: Threshold;
  /** What it found, in words. Missing values are never a fault. */
  found(reading: Reading, threshold: number): string | undefined;
}

/** A number that the machine's owner may set to another. */
export interface Threshold {
  readonly standard: number;
  /** What it is, with its unit: `retired pages of memory`. */
  readonly what: string;
}

export interface Reading {
  readonly gpu: SmiGpu;
  readonly before: SmiGpu | undefined;
  readonly baseline: Baseline;
  /** A lease holds it. */
  readonly held: boolean;
  /** Pids of all leases' processes on this machine. */
  readonly ownPids: ReadonlySet<number>;
}

/** What this very GPU was like when it was first seen, or at its best. */
export interface Baseline {
  readonly width?: number;
  readonly generation?: number;
  readonly nvlinks?: number;
  readonly idleMemoryBytes?: number;
}

/** By rule, where the machine's owner has said something: another threshold, or that nobody looks for it. */
export type Thresholds = Readonly<Record<string, number | "off">>;

export const defaultThresholds: Thresholds = {};

export const isOff = (thresholds: Thresholds, rule: string) => thresholds[rule] === "off";

export function thresholdOf(thresholds: Thresholds, rule: { name: string; threshold?: Threshold }): number {
  const given = thresholds[rule.name];
  return typeof given === "number" ? given : (rule.threshold?.standard ?? 0);
}

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
