import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { LeaseId } from "../../shared/ids.js";
import { type Fence, groupPathMax, readFence, slot, slotAt, wholeFence } from "./fence-file.js";

/**
 * This agent's clock may be so much behind the watchdog's. Added to each deadline, so that the agent knows that a lease is over before it
 * hears of what the watchdog did about it.
 */
const clockLagMs = 20;

type Known = Pick<Fence, "sequence" | "group">;

/** The fence files of this node's leases, and their control groups. Written here, read by the watchdog and by shims. */
export class Fences {
  /** What was written here, or was found. */
  private readonly known = new Map<LeaseId, Known>();

  constructor(
    private readonly dir: string,
    private readonly bootId: string,
    /** The group that holds those of the leases; undefined where there is none to divide. */
    private readonly groups: string | undefined,
    private readonly log: Logger,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o755 });
  }

  path(lease: LeaseId): string {
    return join(this.dir, lease);
  }

  /** Throws what the disk says. */
  set(lease: LeaseId, policy: string, until: number): void {
    const known = this.find(lease);
    if (known === undefined || !existsSync(this.path(lease))) this.make(lease, policy, until + clockLagMs);
    else this.renew(lease, known, until + clockLagMs);
  }

  /** True when the lease's processes may be started: the watchdog can see it. */
  has(lease: LeaseId): boolean {
    return this.find(lease) !== undefined;
  }

  /** What was written last, in this boot; undefined when nothing was. */
  until(lease: LeaseId): number | undefined {
    const until = this.read(lease)?.until;
    return until === undefined ? undefined : until - clockLagMs;
  }

  group(lease: LeaseId): string | undefined {
    return this.find(lease)?.group;
  }

  remove(lease: LeaseId): void {
    const group = this.group(lease);
    this.known.delete(lease);
    rmSync(this.path(lease), { force: true });
    if (group !== undefined) this.removeGroup(group);
  }

  /** What an earlier agent left. Those whose group had to be made again: it has neither limits nor rules yet. */
  sweep(held: ReadonlySet<string>): ReadonlySet<LeaseId> {
    const restored = new Set<LeaseId>();
    for (const name of readdirSync(this.dir)) {
      const lease = name as LeaseId;
      if (name.endsWith(".new")) rmSync(join(this.dir, name), { force: true });
      else if (!held.has(name) || this.read(lease) === undefined) this.remove(lease);
      else if (this.restoreGroup(lease)) restored.add(lease);
    }
    return restored;
  }

  /** With its unit a service manager removes every group that nobody is in by then; who is started from now on is to join this one. */
  private restoreGroup(lease: LeaseId): boolean {
    const group = this.group(lease);
    if (group === undefined || existsSync(group)) return false;
    this.log.warn({ lease, group }, "the lease's control group is gone, and is made again");
    return this.makeGroup(lease) !== undefined;
  }

  private make(lease: LeaseId, policy: string, until: number): void {
    const path = this.path(lease);
    const group = this.makeGroup(lease);
    writeFileSync(`${path}.new`, wholeFence({ policy, bootId: this.bootId, group }, until));
    renameSync(`${path}.new`, path);
    this.known.set(lease, { sequence: 1, group });
  }

  private renew(lease: LeaseId, known: Known, until: number): void {
    const sequence = known.sequence + 1;
    const file = openSync(this.path(lease), "r+");
    try {
      writeSync(file, slot(until, sequence), 0, undefined, slotAt(sequence));
    } finally {
      closeSync(file);
    }
    this.known.set(lease, { ...known, sequence });
  }

  private makeGroup(lease: LeaseId): string | undefined {
    if (this.groups === undefined) return undefined;
    const group = join(this.groups, `stoker-${lease}`);
    try {
      if (group.length > groupPathMax) throw new Error("its path is too long");
      mkdirSync(group, { recursive: true });
      return group;
    } catch (error) {
      this.log.error({ lease, err: error }, "the lease gets no control group: its processes are stopped one by one");
      return undefined;
    }
  }

  private removeGroup(group: string): void {
    try {
      if (existsSync(group)) rmdirSync(group);
    } catch (error) {
      this.log.warn({ err: error, group }, "a control group is not empty, and stays");
    }
  }

  private find(lease: LeaseId): Known | undefined {
    const known = this.known.get(lease) ?? this.read(lease);
    if (known) this.known.set(lease, known);
    return known;
  }

  /** Of this boot. */
  private read(lease: LeaseId): Fence | undefined {
    const path = this.path(lease);
    if (!existsSync(path)) return undefined;
    const fence = readFence(readFileSync(path));
    return fence?.bootId === this.bootId ? fence : undefined;
  }
}
