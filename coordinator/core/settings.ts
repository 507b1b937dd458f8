import type { GroupRole } from "./access/user.js";
import type { CatalogLife } from "./restored.js";

export const rootCommandsFrom = ["owner", "administrator", "contributor"] as const;

/** Given by the configuration. */
export interface Settings {
  readonly leaseTtlMs: number;
  readonly marginMs: number;
  readonly heartbeatIntervalMs: number;
  readonly killGraceSeconds: number;
  /** Alias, such as STANDARD_NC6, to machine class; letter case does not matter. */
  readonly machineClasses: Readonly<Record<string, string>>;
  /** What may overtake a job that can't start yet. */
  readonly policy: "backfill" | "fifo";
  /** Nodes may ask one another whether the coordinator is gone, and run on when it is. */
  readonly witnesses: boolean;
  /** What an attempt's ranks may write to stdout and stderr on one node, when the job does not say. */
  readonly logLimitBytes: number;
  /** How long a cluster's setup task may take. */
  readonly setupLimitMs: number;
  /** A cluster that scales by itself keeps a node that has nothing to do for so long. */
  readonly scaleDownIdleMs: number;
  /** A job that has been queued, or a cluster that was short of nodes, for so long is told of. */
  readonly waitingLongMs: number;
  /** Who may name what runs as root on machines: set-up tasks and mount commands. */
  readonly rootCommands: (typeof rootCommandsFrom)[number];
  /** By the name of a group of the identity provider. */
  readonly groupRoles?: Readonly<Record<string, GroupRole>>;
  /** Every job is told its trace; absent: those alone that were submitted within one. */
  readonly traced?: boolean;
  /** Application Insights component, its name alone or `*`, to a receiver of OTLP: see counters.ts. */
  readonly counterSinks?: Readonly<Record<string, string>>;
  /** Which copy of the catalog this is; not the operator's to set. */
  readonly life?: CatalogLife;
}

export const defaultSettings: Settings = {
  leaseTtlMs: 12_000,
  marginMs: 3_000,
  heartbeatIntervalMs: 2_000,
  killGraceSeconds: 10,
  machineClasses: {},
  policy: "backfill",
  witnesses: true,
  logLimitBytes: 10 * 2 ** 30,
  setupLimitMs: 3_600_000,
  scaleDownIdleMs: 300_000,
  waitingLongMs: 3_600_000,
  rootCommands: "owner",
};
