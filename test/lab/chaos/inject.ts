import { setTimeout as sleep } from "node:timers/promises";
import type { Disturbance } from "./blame.js";
import type { Ground, NodeVictim } from "./ground.js";
import type { Fault } from "./plan.js";

/** Plays a plan on a ground, and keeps what really happened. */
export class Injector {
  readonly done: Disturbance[] = [];
  /** Faults that found nobody to be done to. */
  missed = 0;
  readonly #open = new Set<Promise<void>>();
  /** How many faults keep each daemon down: it is started when the last is over. */
  readonly #down = new Map<string, number>();

  constructor(
    private readonly ground: Ground,
    private readonly say: (line: string) => void,
  ) {}

  async play(plan: readonly Fault[], over: () => boolean): Promise<void> {
    const begin = performance.now();
    for (const fault of plan) {
      await sleep(Math.max(0, fault.atMs - (performance.now() - begin)));
      if (over()) break;
      const node = fault.node === undefined ? undefined : this.ground.nodes[fault.node];
      this.say(
        `${fault.kind}${node ? ` ${node.name}` : ""}${fault.lastsMs > 0 ? ` for ${(fault.lastsMs / 1000).toFixed(1)} s` : ""}`,
      );
      const work = this.#inject(fault, node);
      this.#open.add(work);
      work.then(
        () => this.#open.delete(work),
        // Told by whoever waits for all of them.
        () => {},
      );
    }
    await Promise.all(this.#open);
  }

  async #inject(fault: Fault, node: NodeVictim | undefined): Promise<void> {
    const record: Disturbance = {
      kind: fault.kind,
      node: node?.name,
      fromMs: Date.now(),
      untilMs: Number.POSITIVE_INFINITY,
    };
    this.done.push(record);
    const found = await this.#perform(fault, node);
    record.untilMs = Date.now();
    if (found) return;
    this.missed += 1;
    this.done.splice(this.done.indexOf(record), 1);
  }

  /** Until it is undone; false when there was nothing to do it to. */
  async #perform({ kind, lastsMs, pick }: Fault, node: NodeVictim | undefined): Promise<boolean> {
    const { coordinator } = this.ground;
    switch (kind) {
      case "kill-coordinator":
        await this.#downFor(
          "coordinator",
          lastsMs,
          () => coordinator.kill(),
          () => coordinator.start(),
        );
        return true;
      case "kill-nats":
        return this.ground.killNats();
      case "freeze-coordinator":
        return frozenFor(lastsMs, await coordinator.freeze());
      case "freeze-nats":
        return frozenFor(lastsMs, await this.ground.freezeNats());
      default:
        if (node === undefined) throw new Error(`${kind} needs a node`);
        return this.#performOn(node, kind, lastsMs, pick);
    }
  }

  async #performOn(node: NodeVictim, kind: Fault["kind"], lastsMs: number, pick: number): Promise<boolean> {
    const { name } = node;
    switch (kind) {
      case "kill-agent":
        await this.#downFor(
          name,
          lastsMs,
          () => node.kill(),
          () => node.start(),
        );
        return true;
      case "kill-agent-and-watchdog": {
        const both = () => Promise.all([node.kill(), node.killWatchdog()]);
        await this.#downFor(name, lastsMs, both, () => node.start());
        return true;
      }
      case "power-cut":
        await this.#downFor(
          name,
          lastsMs,
          () => node.cutPower(),
          () => node.powerOn(),
        );
        return true;
      case "kill-shim":
        return node.killShim(pick);
      case "kill-watchdog":
        return node.killWatchdog();
      case "freeze-agent":
        return frozenFor(lastsMs, await node.freeze());
      case "freeze-watchdog":
        return frozenFor(lastsMs, await node.freezeWatchdog());
      case "partition":
        return this.#cutFor(node, () => node.cut(["to", "from"]), lastsMs, pick);
      case "partition-to-coordinator":
        return this.#cutFor(node, () => node.cut(["to"]), lastsMs, pick);
      case "partition-from-coordinator":
        return this.#cutFor(node, () => node.cut(["from"]), lastsMs, pick);
      case "isolate":
        return node.isolate !== undefined && this.#cutFor(node, async () => node.isolate?.(), lastsMs, pick);
      default:
        throw new Error(`${kind} is not done to a node`);
    }
  }

  async #downFor(
    name: string,
    lastsMs: number,
    end: () => Promise<unknown>,
    start: () => Promise<void>,
  ): Promise<void> {
    this.#down.set(name, (this.#down.get(name) ?? 0) + 1);
    await end();
    await sleep(lastsMs);
    const left = (this.#down.get(name) ?? 1) - 1;
    this.#down.set(name, left);
    if (left === 0) await start();
  }

  async #cutFor(node: NodeVictim, cut: () => Promise<void>, lastsMs: number, pick: number): Promise<boolean> {
    await this.#downFor(`wire of ${node.name}`, lastsMs, cut, () => node.heal(pick < 0.5));
    return true;
  }
}

async function frozenFor(lastsMs: number, thaw: () => void): Promise<boolean> {
  await sleep(lastsMs);
  thaw();
  return true;
}
