import type { WitnessSet } from "../../../agent/core/witness.js";
import type { LeaseId } from "../../../shared/ids.js";
import { AgentHost } from "./agent-host.js";
import { type Hardware, memoryOf } from "./hardware.js";
import { LeasedProcesses } from "./leased.js";
import { LedgerDisk } from "./ledger-disk.js";
import { LocalClock } from "./process.js";
import type { Random } from "./random.js";
import { Setup } from "./setup.js";
import { type Taken, takenBy } from "./truth.js";
import { type Fence, Watchdog } from "./watchdog.js";
import type { World } from "./world.js";

/** When the last answered heartbeat was sent, by the clock of that boot. */
export interface Noted {
  readonly boot: string;
  readonly at: number;
}

/** One machine of the lab as it really is: its power, disk, processes, and the agent and the watchdog on it. */
export class Machine {
  readonly ledger: LedgerDisk;
  readonly leases = new Map<LeaseId, LeasedProcesses>();
  /** As they were written, one over the other; none is synced. */
  witnessSets: WitnessSet[] = [];
  readonly fences = new Map<LeaseId, Fence>();
  readonly random: Random;
  clock: LocalClock;
  noted: Noted | undefined;
  agent: AgentHost | undefined;
  watchdog: Watchdog | undefined;
  readonly setup: Setup;
  powered = false;
  /** Mounting hangs or fails. */
  filerGone = false;
  /** Its watchdog was killed and has not been started again: see faults.ts. */
  unguarded = false;
  private boots = 0;

  constructor(
    readonly world: World,
    readonly hardware: Hardware,
  ) {
    this.random = world.random.fork(`machine ${hardware.name}`);
    this.ledger = new LedgerDisk(this.random.fork("disk"));
    this.setup = new Setup(this);
    this.clock = this.newClock();
  }

  get name(): string {
    return this.hardware.name;
  }

  get boot(): string {
    return `${this.name}-boot-${this.boots}`;
  }

  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    this.boots += 1;
    this.clock = this.newClock();
    this.watchdog = new Watchdog(this);
    this.startAgent();
  }

  cutPower(): void {
    if (!this.powered) return;
    this.powered = false;
    this.agent?.vanish();
    this.agent = undefined;
    this.watchdog?.kill();
    this.watchdog = undefined;
    for (const leased of this.leases.values()) {
      // A process that was being started never comes.
      for (const one of leased.all.values()) leased.kill(one);
    }
    this.leases.clear();
    this.ledger.cutPower();
    this.setup.cutPower();
    if (this.random.chance(0.5)) this.witnessSets.length = this.random.int(0, this.witnessSets.length);
    this.fences.clear();
    this.noted = undefined;
  }

  startAgent(): void {
    if (!this.powered || this.agent) return;
    this.agent = new AgentHost(this);
    this.agent.start();
  }

  /** Written in place, where the watchdog is told of it. */
  fence(lease: LeaseId, fence: Fence | undefined): void {
    if (fence) this.fences.set(lease, fence);
    else this.fences.delete(lease);
    this.watchdog?.notice();
  }

  /** Nothing but heartbeats is going on here, and nothing is due. */
  get isQuiet(): boolean {
    return this.powered && !this.unguarded && this.agent?.isQuiet === true;
  }

  killAgent(): void {
    this.agent?.kill();
    this.agent = undefined;
  }

  leased(lease: LeaseId): LeasedProcesses | undefined {
    return this.leases.get(lease);
  }

  /** Made when preparation begins. */
  open(grant: Parameters<typeof takenBy>[0]): LeasedProcesses {
    const lease = grant.leaseId as LeaseId;
    const taken = takenBy(grant);
    const leased =
      this.leases.get(lease) ?? new LeasedProcesses(lease, this.name, taken, this.world.timeline, this.world.truth);
    this.leases.set(lease, leased);
    return leased;
  }

  /** Nothing may be given to two leases whose processes are there, frozen ones included. */
  checkRoom(): void {
    const here = [...this.leases.values()].filter(({ living }) => living.length > 0);
    if (here.length < 2) return;
    const gpus = here.flatMap(({ taken }) => taken.gpuUuids);
    const sum = (amount: (taken: Taken) => number) => here.reduce((all, { taken }) => all + amount(taken), 0);
    const { cpus } = this.hardware;
    const broken =
      new Set(gpus).size < gpus.length ||
      sum((taken) => taken.cpus) > cpus ||
      sum((taken) => taken.memoryBytes) > memoryOf(this.hardware);
    if (broken) {
      this.world.truth.breach(
        "no over-allocation",
        `${this.name} runs ${here.map(({ lease }) => lease).join(" and ")}: more than it has`,
      );
    }
  }

  private newClock(): LocalClock {
    return new LocalClock(
      this.world.timeline,
      this.hardware.rate,
      -this.world.timeline.now * this.hardware.rate + 1_000 * this.boots,
    );
  }
}
