import type { Machine } from "./machine.js";
import type { FaultKind } from "./plan.js";
import type { Random } from "./random.js";
import { Watchdog } from "./watchdog.js";
import type { World } from "./world.js";

/** What goes wrong, and how it is put right again. Each fault ends by itself; several may be there at once. */
export class Faults {
  private readonly random: Random;
  private readonly drawn: FaultKind[];

  constructor(private readonly world: World) {
    this.random = world.random.fork("faults");
    this.drawn = Object.entries(world.plan.faults).flatMap(([kind, weight]) =>
      Array.from({ length: weight }, () => kind as FaultKind),
    );
  }

  injectOne(): void {
    if (this.drawn.length > 0) this.inject(this.random.pick(this.drawn));
  }

  inject(kind: FaultKind): void {
    const machine = this.random.pick(this.world.machines);
    const ends = this.begin(kind, machine);
    if (ends === undefined) return;
    const { world } = this;
    world.faults[kind] = (world.faults[kind] ?? 0) + 1;
    world.activeFaults += 1;
    const ms = this.lasts(kind);
    world.seen("fault", () => `${kind}${isOfOne(kind) ? ` on ${machine.name}` : ""}, for ${Math.round(ms)} ms`);
    world.timeline.after(ms, `${kind} ends`, () => {
      world.activeFaults -= 1;
      world.seen("fault", () => `${kind}${isOfOne(kind) ? ` on ${machine.name}` : ""} ends`);
      ends();
    });
  }

  private lasts(kind: FaultKind): number {
    const { random } = this;
    switch (kind) {
      case "agent restarted":
        return random.span(50, 3_000);
      case "watchdog killed":
        return 1_000;
      case "shim killed":
      case "old grant comes again":
      case "connection reset":
      case "coordinator's clock jumps":
      case "machine's clock jumps":
        return 1;
      case "agent killed":
      case "agent stopped":
      case "machine loses power":
        return random.span(100, 60_000);
      case "coordinator dies in a commit":
        return random.span(3_000, 20_000);
      // Long enough for all to have happened that they put off.
      case "cut off among the restarted":
      case "left behind with late answers":
        return random.span(50_000, 80_000);
      case "answered late, then cut off":
        return random.span(60_000, 80_000);
      default:
        return random.span(500, 60_000);
    }
  }

  /** Undefined when it can't be done just now; else what ends it. */
  private begin(kind: FaultKind, machine: Machine): (() => void) | undefined {
    const { coordinator, machines } = this.world;
    switch (kind) {
      case "coordinator killed":
        return this.down(() => coordinator.kill());
      case "coordinator loses power":
        return this.down(() => coordinator.vanish());
      case "coordinator dies in a commit":
        return this.down(() => {
          coordinator.doom = this.random.pick(["before the commit", "after the commit", "among the effects"]);
        });
      case "coordinator stopped": {
        if (!coordinator.listening() || coordinator.stopped) return undefined;
        coordinator.stop();
        return () => coordinator.go(this.random.chance(0.5));
      }
      case "coordinator's disk full":
        coordinator.catalog.full = true;
        return () => {
          coordinator.catalog.full = false;
        };
      case "coordinator's clock jumps":
        coordinator.jumpClock(this.random.int(-7_200_000, 7_200_000));
        return () => undefined;
      case "agent killed":
      case "agent restarted":
        return this.agentDown(machine);
      case "agent stopped":
        return this.agentStopped(machine);
      case "watchdog killed":
        return this.watchdogDown(machine);
      case "machine loses power":
        if (!machine.powered) return undefined;
        machine.cutPower();
        return () => machine.powerOn();
      case "machine's clock jumps":
        machine.clock.jump(this.random.int(-7_200_000, 7_200_000));
        return () => undefined;
      case "shim killed":
        return this.shimKilled(machine);
      case "old grant comes again":
        return machine.agent?.grantAgain() ? () => undefined : undefined;
      case "agent's disk full":
        machine.ledger.full = true;
        return () => {
          machine.ledger.full = false;
        };
      case "agent's disk slow":
        machine.ledger.syncMs = this.random.span(50, 20_000);
        return () => {
          machine.ledger.syncMs = 1;
        };
      case "filer gone":
        for (const one of machines) one.filerGone = true;
        return () => {
          for (const one of machines) one.filerGone = false;
        };
      case "connection reset":
        if (!machine.agent) return undefined;
        machine.agent.reset();
        return () => undefined;
      case "way up cut":
        return this.cut([[machine.name, "coordinator"]]);
      case "way down cut":
        return this.cut([["coordinator", machine.name]]);
      case "cut off":
        return this.cut(both(machine.name, "coordinator"));
      case "way slow":
        return this.slow(machine);
      case "all cut off":
        return this.cut(machines.flatMap(({ name }) => both(name, "coordinator")));
      case "split":
        return this.split();
      case "coordinator killed in a split": {
        const healed = this.split();
        const up = this.down(() => coordinator.kill());
        this.world.timeline.after(this.random.span(100, 40_000), "the coordinator comes again", up);
        return healed;
      }
      case "cut off among the restarted":
        return this.cutOffAmongRestarted(machine);
      case "left behind with late answers":
        return this.leftBehind(machine);
      case "answered late, then cut off":
        return this.answeredLate(machine);
    }
  }

  private down(kill: () => void): () => void {
    const { coordinator } = this.world;
    kill();
    return () => {
      coordinator.doom = undefined;
      coordinator.boot();
    };
  }

  private agentDown(machine: Machine): (() => void) | undefined {
    if (!machine.agent || machine.unguarded || machine.agent.process.stopped) return undefined;
    machine.killAgent();
    return () => machine.startAgent();
  }

  /** One hears no coordinator when it needs an answer; the others do, but their agents have just started anew. */
  private cutOffAmongRestarted(machine: Machine): () => void {
    const { random, world } = this;
    const healed = this.cut(random.chance(0.5) ? both(machine.name, "coordinator") : [["coordinator", machine.name]]);
    const afterMs = random.span(6_000, 13_000);
    const restored = world.machines
      .filter((other) => other !== machine && random.chance(0.9))
      .map((other) => {
        world.timeline.after(afterMs + random.span(10, 400), "an agent among others is restarted", () => {
          const start = this.agentDown(other);
          if (start) world.timeline.after(random.span(50, 600), "it starts again", start);
        });
        return this.slow(other, random.span(50, 600));
      });
    return () => {
      healed();
      for (const restore of restored) restore();
    };
  }

  /** Nobody hears the coordinator, then everybody but one; and what the others say to that one comes later and later. */
  private leftBehind(machine: Machine): () => void {
    const { random, world } = this;
    const others = world.machines.filter((other) => other !== machine);
    const away = this.cut(others.flatMap(({ name }) => both(name, "coordinator")));
    world.timeline.after(random.span(28_000, 45_000), "the coordinator is heard again, but for one", away);
    const healed = this.cut(both(machine.name, "coordinator"));
    const answers = others.map(({ name }) => world.network.link(name, machine.name));
    const growing = Array.from({ length: random.int(2, 5) }, (_, times) => {
      const moreMs = random.span(1_500, 3_000);
      const grow = { ms: 0 };
      // After the first permit, which must come before the lease runs out.
      world.timeline.after(13_000 + 3_000 * times, "answers come later", () => {
        grow.ms = moreMs;
        for (const link of answers) link.slowMs += moreMs;
      });
      return grow;
    });
    return () => {
      healed();
      for (const grow of growing) {
        for (const link of answers) link.slowMs -= grow.ms;
      }
    };
  }

  /** One hears each answer seconds after it was given, and then nothing: its time counts from what it asked, not from what it heard. */
  private answeredLate(machine: Machine): () => void {
    const { random, world } = this;
    const answers = world.network.link("coordinator", machine.name);
    const undone: Array<() => void> = [];
    let lateMs = 0;
    const later = (moreMs: number) => {
      lateMs += moreMs;
      answers.slowMs += moreMs;
      undone.push(() => {
        answers.slowMs -= moreMs;
      });
    };
    // By steps: a silence of two thirds of a lease would end the session.
    later(random.span(3_000, 4_500));
    world.timeline.after(12_000, "answers come later", () => later(random.span(3_000, 4_500)));
    world.timeline.after(random.span(24_000, 32_000), "nothing more is heard of it", () => {
      undone.push(this.cut([[machine.name, "coordinator"]]));
      // The answers that are under way still come.
      world.timeline.after(lateMs, "nor heard by it", () => undone.push(this.cut([["coordinator", machine.name]])));
    });
    return () => {
      for (const undo of undone) undo();
    };
  }

  private agentStopped(machine: Machine): (() => void) | undefined {
    const { agent } = machine;
    if (!agent || machine.unguarded || agent.process.stopped) return undefined;
    // Where it hurts most: the answer is read when all is long over.
    if (this.random.chance(0.5)) agent.stopsAfterHeartbeat = true;
    else agent.process.stop();
    return () => {
      agent.stopsAfterHeartbeat = false;
      agent.process.go(this.random.chance(0.5));
    };
  }

  /** The agent starts another within a second; both at once are more than is promised. */
  private watchdogDown(machine: Machine): (() => void) | undefined {
    const { watchdog, agent } = machine;
    if (!watchdog || !agent || machine.unguarded || agent.process.stopped) return undefined;
    watchdog.kill();
    machine.unguarded = true;
    return () => {
      machine.unguarded = false;
      if (machine.watchdog === watchdog && machine.powered) machine.watchdog = new Watchdog(machine);
    };
  }

  private shimKilled(machine: Machine): (() => void) | undefined {
    const running = [...machine.leases.values()].flatMap((leased) =>
      leased.living.filter(({ name }) => !name.startsWith("stray")).map((one) => ({ leased, one })),
    );
    if (running.length === 0) return undefined;
    const { leased, one } = this.random.pick(running);
    leased.kill(one, "the shim was killed");
    return () => undefined;
  }

  private cut(ways: ReadonlyArray<readonly [string, string]>): () => void {
    const links = ways.map(([from, to]) => this.world.network.link(from, to));
    for (const link of links) link.cut += 1;
    return () => {
      for (const link of links) link.open();
    };
  }

  private slow(machine: Machine, ms = this.random.span(100, 8_000)): () => void {
    const { network } = this.world;
    const links = both(machine.name, "coordinator").map(([from, to]) => network.link(from, to));
    const added = links.map((link) => ({ link, ms: this.random.chance(0.7) ? ms : 0 }));
    for (const { link, ms } of added) link.slowMs += ms;
    return () => {
      for (const { link, ms } of added) link.slowMs -= ms;
    };
  }

  /** Two sides that hear each other not at all or hardly, each way by itself. */
  private split(): () => void {
    const { random } = this;
    const hosts = ["coordinator", ...this.world.machines.map(({ name }) => name)];
    const side = new Map(hosts.map((host) => [host, random.chance(0.5)]));
    const leak = random.pick([0, 0, 0.2, 0.5]);
    const ways = hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => [from, to] as const));
    return this.cut(ways.filter(([from, to]) => side.get(from) !== side.get(to) && !random.chance(leak)));
  }
}

const both = (one: string, other: string): Array<readonly [string, string]> => [
  [one, other],
  [other, one],
];

const isOfOne = (kind: FaultKind) => !/^(coordinator|split|all|filer)/.test(kind);
