import { defaultSettings, type Settings } from "../../../coordinator/core/settings.js";
import { Checker } from "./checker.js";
import { CoordinatorHost } from "./coordinator-host.js";
import { Coverage } from "./coverage.js";
import { Machine } from "./machine.js";
import { Network } from "./network.js";
import { Operators } from "./operators.js";
import type { Plan } from "./plan.js";
import type { Program } from "./program.js";
import { Random } from "./random.js";
import { Timeline } from "./timeline.js";
import { Truth } from "./truth.js";

export interface Seen {
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** One lab, from its machines' power to what its people ask for: everything is drawn from the plan's seed. */
export class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly network: Network;
  readonly truth = new Truth(this.timeline);
  readonly coverage = new Coverage();
  readonly checker: Checker;
  readonly coordinator: CoordinatorHost;
  readonly machines: Machine[];
  readonly operators: Operators;
  /** By the jobs' ids. */
  readonly programs = new Map<string, Program>();
  readonly settings: Settings;
  /** Faults injected so far, by kind. */
  readonly faults: Record<string, number> = {};
  /** Faults that have not ended. */
  activeFaults = 0;
  private readonly story: Seen[] = [];

  constructor(
    readonly plan: Plan,
    /** How many of the last events to keep. */
    private readonly remembered: number,
  ) {
    this.settings = { ...defaultSettings, ...plan.settings };
    this.random = new Random(plan.seed, "world");
    this.network = new Network(this.timeline, this.random.fork("network"), plan.jitter);
    this.checker = new Checker(this);
    this.coordinator = new CoordinatorHost(this, plan.coordinatorRate);
    this.machines = plan.machines.map((hardware) => new Machine(this, hardware));
    this.operators = new Operators(this);
  }

  readonly crashed = (error: unknown): void => {
    this.truth.breach("no crash", error instanceof Error ? (error.stack ?? error.message) : String(error));
  };

  programOf(job: string): Program {
    const program = this.programs.get(job);
    if (!program) throw new Error(`nobody has submitted ${job}`);
    return program;
  }

  seen(who: string, what: string | (() => string)): void {
    if (this.remembered === 0) return;
    this.story.push({ at: this.timeline.now, who, what: typeof what === "string" ? what : what() });
    if (this.story.length > 2 * this.remembered) this.story.splice(0, this.remembered);
  }

  get lastSeen(): readonly Seen[] {
    return this.story.slice(-this.remembered);
  }
}
