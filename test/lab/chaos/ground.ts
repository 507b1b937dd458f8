import type { Connection } from "../../../shared/grpc.js";
import type { Direction } from "./wire.js";

/** A daemon as chaos sees it. What is down or frozen already stays so. */
export interface Victim {
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Undone by what it returns, unless it was killed meanwhile. */
  freeze(): Promise<() => void>;
}

export interface NodeVictim extends Victim {
  readonly name: string;
  /** One of the shims that run, by its place among them from 0 up to 1. False when none runs. */
  killShim(pick: number): Promise<boolean>;
  killWatchdog(): Promise<boolean>;
  freezeWatchdog(): Promise<() => void>;
  cut(directions: readonly Direction[]): Promise<void>;
  heal(reset: boolean): Promise<void>;
  /** From the other nodes too, until `heal`; where nodes have a network of their own. */
  isolate?(): Promise<void>;
  /** All that runs on it ends at once. */
  cutPower(): Promise<void>;
  powerOn(): Promise<void>;
}

/** Where chaos is played: a coordinator, its NATS, and nodes. */
export interface Ground {
  readonly coordinator: Victim;
  readonly nodes: readonly NodeVictim[];
  readonly cpusPerNode: number;
  readonly ttlMs: number;
  readonly marginMs: number;
  /** From a fault's undoing until an agent is surely heard again: it starts, or dials again. */
  readonly recoveryMs: number;
  /** Its nodes see one another's processes. */
  readonly sharesHost: boolean;
  /** What jobs mount as `share`, if their program and journals lie there. */
  readonly share: { host: string; export: string } | undefined;
  /** Where jobs leave their journals, as this process sees it. */
  readonly journals: string;
  /** For a job's command line. */
  rankCommand(words: string[]): string;
  connect(): Connection;
  killNats(): Promise<boolean>;
  freezeNats(): Promise<() => void>;
  /** Starts again what ended though nobody killed it, as systemd would. */
  revive(): Promise<void>;
  /** What it was. */
  crashes(): Promise<string[]>;
  /** Processes, mounts and folders of attempts. */
  leftovers(): Promise<string[]>;
  stop(): Promise<void>;
}
