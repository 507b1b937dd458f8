import { chmodSync, existsSync, mkdirSync } from "node:fs";
import type { Logger } from "pino";
import { Fault } from "../shared/fault.js";
import { findApartness, notApart } from "./accounts/apartness.js";
import { Confinements } from "./accounts/confinements.js";
import { inContainers } from "./core/environment.js";
import type { AccountsSetting } from "./core/policy/accounts.js";
import { LeaseLimits } from "./limits/lease-limits.js";
import { type DataPaths, dataPaths } from "./paths.js";

export interface IsolationOptions {
  dataDir: string;
  shimPath: string;
  accounts: AccountsSetting;
  /** Leases are limited: always, never, or where jobs run as accounts of their own. */
  limits: "auto" | "on" | "off";
  /** The control group that may be divided among leases. */
  groups: string | undefined;
  machineCpus: number;
  systemPath: string;
  allowRoot(): boolean;
}

/** What keeps jobs from one another and from the machine: the accounts that they run as, and their limits. */
export class Isolation {
  constructor(
    readonly confinements: Confinements,
    readonly limits: LeaseLimits,
    /** Jobs run as accounts of their own. */
    readonly isOn: boolean,
    /** For people. */
    readonly words: { accounts: string; limits: string; devices: string },
  ) {}

  /** Ends what was kept for leases that nobody holds; what of it is on the disk is the caller's to remove. */
  leftBehind(held: ReadonlySet<string>): string[] {
    this.limits.sweep(held);
    return this.confinements.leftBehind(held);
  }
}

export async function makeIsolation(options: IsolationOptions, log: Logger): Promise<Isolation> {
  const { dataDir, shimPath, groups, machineCpus } = options;
  const paths = dataPaths(dataDir);
  const isRoot = process.getuid?.() === 0;
  const apartness = isRoot && options.accounts.kind !== "agent" ? await findApartness(shimPath) : notApart;
  const confinements = new Confinements(
    {
      ...{ data: dataDir, spoolRoot: paths.spool, setting: options.accounts, path: options.systemPath },
      door: paths.openSocket === undefined ? paths.inside : undefined,
      ...{ isRoot, apartness },
      allowRoot: options.allowRoot,
    },
    log,
  );
  const isOn = await confinements.isOn();
  if (isOn && !apartness.isStatic) throw new Fault("failed-precondition", dynamicShim(shimPath));
  // The one of whom there is always one, and the first whose jobs come.
  confinements.lookAhead("").catch((error: unknown) => log.warn({ err: error }, "accounts can't be looked up now"));
  const wanted = options.limits === "on" || (options.limits === "auto" && isOn);
  const isReleased = process.env.STOKER_UNIT_RELEASES === "1";
  const limits = new LeaseLimits({ data: dataDir, shimPath, groups, wanted, machineCpus, isReleased }, log);
  if (isOn) closeFolders(paths);
  const accounts = [await confinements.inWords(), isOn ? apartness.words : ""].filter(Boolean).join("; ");
  const words = { accounts, ...limits.words };
  log.info(words, isOn ? "jobs run as accounts of their own" : "jobs run as the agent's own account");
  return new Isolation(confinements, limits, isOn, words);
}

const dynamicShim = (shim: string) =>
  `${shim} needs shared libraries, and a job's LD_PRELOAD would have root load any: build it again where libc's static library is installed (libc6-dev, glibc-static), or install the package`;

/** Other accounts go through to what is theirs, and see nothing on their way. */
function closeFolders(paths: DataPaths): void {
  for (const folder of [paths.data, paths.spool, paths.fences, paths.jobs, paths.jobMounts]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
  }
  for (const folder of [paths.setup, paths.trash, paths.images, paths.exports]) {
    if (existsSync(folder)) chmodSync(folder, 0o700);
  }
  // Where the door is seen.
  if (paths.openSocket === undefined) mkdirSync(inContainers.folder, { recursive: true, mode: 0o755 });
}
