import type { CoordinatorOptions } from "./coordinator.js";
import type { CatalogLife } from "./core/restored.js";
import { defaultSettings, type Settings } from "./core/settings.js";
import { groupRolesOf } from "./guards.js";

/** What the core is to know of the configuration. */
export const engineSettings = (
  options: CoordinatorOptions,
  life: CatalogLife,
  outward: Pick<Settings, "traced" | "counterSinks">,
): Settings => ({
  leaseTtlMs: options.leaseTtlMs,
  marginMs: options.leaseMarginMs,
  heartbeatIntervalMs: options.heartbeatIntervalMs,
  killGraceSeconds: options.killGraceSeconds,
  machineClasses: options.machineClasses,
  policy: options.policy,
  witnesses: options.witnesses,
  logLimitBytes: options.logLimit,
  setupLimitMs: options.setupLimit ?? defaultSettings.setupLimitMs,
  scaleDownIdleMs: options.scaleDownIdle ?? defaultSettings.scaleDownIdleMs,
  waitingLongMs: options.waitingLong ?? defaultSettings.waitingLongMs,
  rootCommands: options.rootCommands ?? defaultSettings.rootCommands,
  groupRoles: groupRolesOf(options.oidcRoles),
  life,
  ...outward,
});
