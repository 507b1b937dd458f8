import { Faults } from "./world/faults.js";
import type { Plan } from "./world/plan.js";
import { installTimers } from "./world/process.js";
import type { Breach } from "./world/truth.js";
import { type Seen, World } from "./world/world.js";

export interface Outcome {
  readonly seed: number;
  readonly kind: string;
  readonly breaches: readonly Breach[];
  /** The last things that happened, oldest first. */
  readonly story: readonly Seen[];
  readonly steps: number;
  readonly simulatedMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly jobs: number;
  /** Transitions of the state machines, and how often each was taken. */
  readonly taken: ReadonlyMap<string, number>;
  /** Every change of a job's state, for comparisons of whole runs. */
  readonly history: readonly string[];
}

export interface Options {
  /** Events to keep for a report; 0: none, which is faster. */
  remembered?: number;
  /** Quiet times are gone through heartbeat by heartbeat. */
  everyHeartbeat?: boolean;
}

/** Enough for the promise callbacks that one event sets off: with 10, 24 or 60 the same happens. */
const turns = 12;
/** Heartbeats come every two seconds and ticks twice a second: after a multiple of this both are where they were. */
const beatMs = 2_000;
/** When everything is put right, everything ends within this and a few times the longest job. */
const drainMs = 30 * 60_000;

/** One run of a plan, from the first power-on until everything that was accepted has ended, or a law is broken. */
export async function simulate(plan: Plan, options: Options = {}): Promise<Outcome> {
  const world = new World(plan, options.remembered ?? 0);
  const uninstall = installTimers();
  try {
    const run = new Run(world, options.everyHeartbeat !== true);
    await run.all();
    return {
      seed: plan.seed,
      kind: plan.kind,
      breaches: world.truth.breaches,
      story: world.lastSeen,
      steps: run.steps,
      simulatedMs: world.timeline.now,
      faults: world.faults,
      jobs: world.checker.submitted.size,
      taken: world.coverage.taken,
      history: world.coverage.history,
    };
  } finally {
    uninstall();
  }
}

class Run {
  steps = 0;
  private over = false;
  /** To look for quiet after each step would cost more than it gains. */
  private lookAgain = 0;
  private readonly faults: Faults;

  constructor(
    private readonly world: World,
    private readonly skips: boolean,
  ) {
    this.faults = new Faults(world);
  }

  async all(): Promise<void> {
    const { world } = this;
    world.coordinator.boot();
    for (const machine of world.machines) {
      world.timeline.after(world.random.int(0, 3_000), `${machine.name} is switched on`, () => machine.powerOn());
    }
    world.operators.found(() => this.begin());
    while (!this.over && world.truth.breaches.length === 0) {
      if (this.skips) this.skipQuiet();
      const next = world.timeline.next();
      if (!next) return;
      this.steps += 1;
      next.run();
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      this.observe();
    }
  }

  private begin(): void {
    const { world } = this;
    const { plan, timeline, operators } = world;
    const random = world.random.fork("run");
    const end = timeline.now + plan.activeMs;
    for (let job = 0; job < plan.jobs; job += 1) {
      // Some at once, so that there is a queue.
      const at = random.chance(0.3) ? 0 : random.next() * plan.activeMs * 0.9;
      timeline.after(at, "a submit", () => operators.submit());
    }
    const repeat = (every: number, what: string, run: () => void) => {
      timeline.after(random.exponential(every), what, () => {
        if (timeline.now >= end) return;
        run();
        repeat(every, what, run);
      });
    };
    repeat(plan.faultEveryMs, "a fault", () => this.faults.injectOne());
    repeat(plan.operatorEveryMs, "an operator", () => this.operate(random.int(0, 9)));
    const explain = () => {
      const { state, now } = world.coordinator;
      if (state) world.checker.explained(state, now);
      if (!this.over) timeline.after(10_000, "explanations are read", explain, true);
    };
    explain();
    timeline.at(end, "everything is put right", () => this.repair(end));
  }

  private operate(what: number): void {
    const { operators } = this.world;
    if (what < 3) operators.terminate();
    else if (what < 4) operators.remove();
    else if (what < 6) operators.drain();
    else if (what < 7) operators.reclaim();
    else if (what < 8) operators.forget();
    else operators.resize();
  }

  /** No more faults: what is broken is mended, as soon as each has ended. */
  private repair(since: number): void {
    const { world } = this;
    if (world.activeFaults === 0) world.coordinator.boot();
    if (world.timeline.now > since + drainMs) {
      world.truth.breach("nobody forgotten", `no answer to ${world.operators.waiting} calls long after the last fault`);
    }
    if (world.activeFaults > 0 || world.operators.waiting > 0) {
      world.timeline.after(1_000, "faults end", () => this.repair(since));
      return;
    }
    for (const machine of world.machines) {
      machine.powerOn();
      machine.startAgent();
    }
    world.operators.restore();
    // What operators still had in mind comes after that; so it is done once more.
    world.timeline.after(65_000, "everything is given back", () => world.operators.restore());
    const deadline = world.timeline.now + 70_000 + drainMs + 3 * world.plan.jobs * world.plan.longestJobMs;
    this.drain(deadline);
  }

  private drain(deadline: number): void {
    const { world } = this;
    const left = this.unfinished();
    if (left.length === 0) {
      this.over = true;
      this.checkEnd();
    } else if (world.timeline.now > deadline) {
      world.truth.breach("nobody forgotten", `long after the last fault there is still: ${left.join("; ")}`);
    } else {
      // A look at it ends a quiet time, and where jobs take hours there are many.
      const ms = Math.min(60_000, Math.max(5_000, world.plan.longestJobMs / 100));
      world.timeline.after(ms, "is everything over?", () => this.drain(deadline));
    }
  }

  private unfinished(): string[] {
    const { coordinator, machines } = this.world;
    const { state } = coordinator;
    if (!state) return ["no coordinator"];
    const jobs = [...state.jobs.values()].filter(({ state: { kind } }) => kind !== "finished");
    const nodes = [...state.nodes.values()];
    return [
      ...jobs.map(({ name, state: { kind } }) => `${name} is ${kind}`),
      ...nodes.filter(({ zombies }) => zombies.length > 0).map(({ name }) => `${name} has zombies`),
      ...nodes.filter(({ lost }) => lost).map(({ name }) => `${name} is lost`),
      ...machines.flatMap(({ name, leases }) => [...leases.keys()].map((lease) => `${name} holds ${lease}`)),
    ];
  }

  /** Of the history as a whole. */
  private checkEnd(): void {
    const { coordinator, truth, plan } = this.world;
    for (const [, attempts] of coordinator.state?.attempts ?? []) {
      for (const { job, number, exits } of attempts) {
        for (const { rank, exitCode, stdoutBytes } of exits) {
          const end = truth.ends.get(`${job}.${number} rank ${rank}`);
          if (end && (end.exitCode !== exitCode || end.stdoutBytes !== stdoutBytes)) {
            truth.breach("every byte", `rank ${rank} of ${job}.${number} did not end as the catalog says`);
          }
        }
      }
    }
    if (plan.kind !== "restarts") return;
    for (const job of coordinator.state?.jobs.values() ?? []) {
      if (job.machineFaults > 0 && job.spec.onLeaseLoss !== "kill") {
        const reasons = (coordinator.state?.attempts.get(job.uuid) ?? []).map(
          ({ number, reason }) => `${number}: ${reason}`,
        );
        truth.breach("restarts are free", `${job.name} lost attempts to restarts alone: ${reasons.join("; ")}`);
      }
    }
  }

  /** See docs/simulation.md on why nothing could be judged differently. */
  private skipQuiet(): void {
    const { world } = this;
    const { timeline, network, coordinator, machines } = world;
    if (network.inFlight > 0 || world.activeFaults > 0 || this.steps < this.lookAgain) return;
    const calm = machines.every(({ isQuiet }) => isQuiet) ? coordinator.quietMs() : 0;
    const ms = calm === 0 ? 0 : Math.min(calm, timeline.firstUnsteady() - timeline.now);
    const whole = ms - (ms % beatMs);
    if (whole < beatMs || whole === Number.POSITIVE_INFINITY) {
      // All are calm, and one of them has a turn coming: it is soon over.
      this.lookAgain = this.steps + (ms > 0 && ms < beatMs / 2 ? 3 : 20);
      return;
    }
    timeline.skip(whole);
    coordinator.skipped(whole);
    for (const { clock } of machines) clock.standStill(whole);
  }

  private observe(): void {
    for (const machine of this.world.machines) machine.agent?.observe();
  }
}
