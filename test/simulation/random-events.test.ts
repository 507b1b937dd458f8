import fc from "fast-check";
import { expect, test } from "vitest";
import type { Effect } from "../../coordinator/core/effects.js";
import type { Quota } from "../../coordinator/core/quota/quota.js";
import { Fault } from "../../shared/fault.js";
import { CoreWorld, done, exited, failed, ready } from "../build.js";
import { type Action, action, machines, specOf } from "./random-actions.js";

/**
 * Random events, sensible and senseless, over a few machines and jobs. After each step the laws hold (CoreWorld checks them), a rebuild from
 * rows gives the same, and a model of the machines sees no two attempts of a job at work at once. fast-check prints the seed of a failure.
 */

interface Held {
  running: boolean;
  ranks: number[];
  /** When that was sent by whose answer the lease was last renewed. */
  renewedAt: number;
}

/** A machine as it really is: what it was told and has not done yet, and what runs on it. Messages are read in order. */
class Machine {
  todo: Effect[] = [];
  readonly held = new Map<string, Held>();
  connected = false;
  boots = 1;
  answeredAt = 0;
  readonly sentAt = new Map<bigint, number>();
  constructor(readonly name: string) {}
}

class Play {
  readonly world = new CoreWorld();
  readonly machines = new Map(machines.map((name) => [name as string, new Machine(name)]));

  constructor() {
    this.world.workspace();
    this.world.experiment();
    this.world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 3 } } });
    this.setSecret();
    for (const name of machines) this.hello(name);
  }

  act(action: Action): void {
    try {
      this.perform(action);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    this.oneAttemptAtWork();
  }

  private perform(action: Action): void {
    switch (action.do) {
      case "submit":
        this.take(this.world.submit(action.job, specOf(action)).effects);
        return;
      case "obey":
        for (let count = 0; count < action.count; count += 1) this.obey(this.machine(action.machine));
        return;
      case "exit": {
        const machine = this.machine(action.machine);
        const [lease] = machine.held.keys();
        if (lease !== undefined && machine.connected) this.exit(machine, lease, action.code);
        return;
      }
      case "terminate":
        this.take(
          this.world.send({ kind: "job-terminate", id: `workspaces/w/experiments/e/jobs/${action.job}` }).effects,
        );
        return;
      case "delete":
        this.take(this.world.send({ kind: "job-delete", id: `workspaces/w/experiments/e/jobs/${action.job}` }).effects);
        return;
      case "quota": {
        const { runningJobs, gpus } = action;
        this.quota({ runningJobs, gpus });
        return;
      }
      case "set-secret":
        this.setSecret();
        return;
      case "delete-secret":
        this.take(this.world.send({ kind: "secret-delete", id: "workspaces/w/secrets/s" }).effects);
        return;
      case "cut": {
        this.machine(action.machine).connected = false;
        this.machine(action.machine).todo = [];
        this.take(this.world.gone(action.machine).effects);
        return;
      }
      case "hello":
        this.hello(action.machine);
        return;
      case "reboot":
        this.machine(action.machine).boots += 1;
        this.machine(action.machine).held.clear();
        this.hello(action.machine);
        return;
      case "drain":
        this.take(this.world.send({ kind: "node-drain", id: `nodes/${action.machine}`, reason: "" }).effects);
        return;
      case "resume":
        this.take(this.world.send({ kind: "node-resume", id: `nodes/${action.machine}` }).effects);
        return;
      case "remove":
        this.take(this.world.send({ kind: "node-delete", id: `nodes/${action.machine}` }).effects);
        return;
      case "stale": {
        const { uuid = "00000000-0000-4000-8000-00000000dead" } = this.world.job(action.job) ?? {};
        const said = [exited(0, 0), exited(7, 1), failed("NFSMountError", "no"), { case: undefined }] as const;
        const held = this.machine(action.machine).held.has(`${uuid}.${action.attempt}`);
        // What it really holds it reports truly, below.
        if (held) return;
        this.take(
          this.world.report(action.machine, `${uuid}.${action.attempt}`, said[action.what] ?? ready, 1000).effects,
        );
        return;
      }
      case "wait":
        this.wait(action.seconds, action.speaking);
        return;
      case "restart":
        for (const machine of this.machines.values()) {
          machine.connected = false;
          machine.todo = [];
        }
        this.take(this.world.restart().effects);
        return;
    }
  }

  private quota(quota: Quota): void {
    this.take(this.world.send({ kind: "workspace-quota", id: "workspaces/w", quota }).effects);
  }

  private setSecret(): void {
    const [workspace] = this.world.state.workspaces.keys();
    if (workspace === undefined) throw new Error("the workspace is gone");
    this.take(this.world.send({ kind: "secret-set", workspace, name: "s", sealed: "x" }).effects);
  }

  private machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(name);
    return machine;
  }

  private hello(name: string): void {
    const machine = this.machine(name);
    machine.todo = [];
    const result = this.world.hello(name, { cpus: 4, gpus: 2, bootId: `boot-${machine.boots}` }, [
      ...machine.held.keys(),
    ]);
    machine.connected = !result.effects.some((effect) => effect.kind === "refuse-session");
    this.take(result.effects);
  }

  private wait(seconds: number, speaking: readonly string[]): void {
    for (let second = 0; second < seconds; second += 1) {
      this.world.now += 1000;
      if (second % 2 === 0) {
        for (const name of speaking) {
          const machine = this.machine(name);
          if (machine.connected) this.beat(machine);
        }
      }
      this.take(this.world.send({ kind: "tick" }).effects);
      for (const name of speaking) this.readAll(this.machine(name));
      this.oneAttemptAtWork();
    }
  }

  private beat(machine: Machine): void {
    const { effects } = this.world.beat(machine.name, [...machine.held.keys()]);
    for (const effect of effects) {
      if (effect.kind === "heartbeat-reply") machine.sentAt.set(effect.sequence, this.world.now);
    }
    this.take(effects);
  }

  private readAll(machine: Machine): void {
    while (machine.connected && machine.todo.length > 0) this.obey(machine);
  }

  private take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (!("node" in effect)) continue;
      const machine = this.machines.get(effect.node);
      if (!machine?.connected && effect.kind !== "welcome") continue;
      if (!machine) continue;
      if (effect.kind === "welcome") {
        machine.connected = true;
        machine.answeredAt = this.world.now;
        const kept = new Set<string>(effect.keptLeaseIds);
        for (const [lease, held] of machine.held) {
          if (kept.has(lease)) held.renewedAt = this.world.now;
          else this.end(machine, lease);
        }
      } else machine.todo.push(effect);
    }
  }

  /** Kills at once; the report of it may be lost with the connection, and is then not owed: the next hello says what is held. */
  private end(machine: Machine, lease: string): void {
    if (!machine.held.delete(lease)) return;
    if (machine.connected) this.take(this.world.report(machine.name, lease, done).effects);
  }

  private obey(machine: Machine): void {
    const effect = machine.todo.shift();
    if (!effect || !machine.connected) return;
    if (effect.kind === "grant-lease") {
      const { leaseId, ranks, startWhenReady } = effect.grant;
      if (machine.held.has(leaseId)) return;
      const renewedAt = machine.answeredAt;
      machine.held.set(leaseId, { running: startWhenReady, ranks: ranks.map(({ rank }) => rank), renewedAt });
      this.take(this.world.report(machine.name, leaseId, ready).effects);
    } else if (effect.kind === "start-ranks") {
      const held = machine.held.get(effect.lease);
      if (held) machine.held.set(effect.lease, { ...held, running: true });
    } else if (effect.kind === "stop-lease") this.end(machine, effect.lease);
    else if (effect.kind === "heartbeat-reply") this.answered(machine, effect);
    this.oneAttemptAtWork();
  }

  private answered(machine: Machine, reply: Extract<Effect, { kind: "heartbeat-reply" }>): void {
    const sentAt = machine.sentAt.get(reply.sequence) ?? 0;
    machine.answeredAt = Math.max(machine.answeredAt, sentAt);
    for (const lease of reply.renewedLeaseIds) {
      const held = machine.held.get(lease);
      if (held) held.renewedAt = Math.max(held.renewedAt, sentAt);
    }
    for (const lease of reply.supersededLeaseIds) this.end(machine, lease);
  }

  private exit(machine: Machine, lease: string, code: number): void {
    const held = machine.held.get(lease);
    const [first, ...rest] = held?.ranks ?? [];
    if (!held?.running || first === undefined) return;
    machine.held.set(lease, { ...held, ranks: rest });
    this.take(this.world.report(machine.name, lease, exited(first, code)).effects);
    // A node whose own ranks have all ended ends its share unasked.
    if (rest.length === 0) this.end(machine, lease);
  }

  private oneAttemptAtWork(): void {
    const ttl = this.world.settings.leaseTtlMs;
    const atWork = new Map<string, string>();
    for (const machine of this.machines.values()) {
      for (const [lease, { running, renewedAt }] of machine.held) {
        // Frozen when it was not renewed in time.
        if (!running || this.world.now - renewedAt >= ttl) continue;
        const [uuid = "", attempt = ""] = lease.split(".");
        const other = atWork.get(uuid);
        if (other !== undefined && other !== attempt)
          throw new Error(`attempts ${other} and ${attempt} of ${uuid} are at work`);
        atWork.set(uuid, attempt);
      }
    }
  }

  /** Everything that was asked for ends, when everybody does as told. */
  finish(): void {
    this.quota({});
    this.setSecret();
    for (const name of machines) {
      this.perform({ do: "hello", machine: name });
      this.perform({ do: "resume", machine: name });
    }
    for (let round = 0; round < 100; round += 1) {
      for (const machine of this.machines.values()) this.readAll(machine);
      for (const { state } of [...this.world.state.jobs.values()]) {
        if (state.kind === "running") {
          for (const share of state.lease.shares) this.exit(this.machine(share.nodeName), state.lease.id, 1);
        }
      }
      this.wait(2, machines);
      if ([...this.world.state.jobs.values()].every(({ state }) => state.kind === "finished")) return;
    }
  }
}

test("the laws hold after any events, and everything ends", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80, size: "max" }), (actions) => {
      const play = new Play();
      for (const one of actions) play.act(one);
      play.finish();
      const waiting = [...play.world.state.jobs.values()].filter(({ state }) => state.kind !== "finished");
      expect(waiting.map(({ name, state }) => `${name} ${state.kind}`)).toEqual([]);
    }),
    { numRuns: Number(process.env.STOKER_RUNS ?? 60) },
  );
});

test("a rebuild from rows decides the same as memory that lasted", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80, size: "max" }), (actions) => {
      const play = new Play();
      for (const one of actions) play.act(one);
      const before = [...play.world.state.jobs.values()];
      const queues = [...play.world.state.index.queue].map(([cluster, queue]) => [cluster, [...queue.values()]]);
      const usage = new Map([...play.world.state.index.usage].filter(([, { holders }]) => holders.length > 0));
      const copy = new CoreWorld();
      copy.rows.write([...play.world.rows.all()] as never);
      copy.now = play.world.now;
      copy.restart();
      expect(new Set(copy.state.jobs.values())).toEqual(new Set(before));
      expect([...copy.state.index.queue].map(([cluster, queue]) => [cluster, [...queue.values()]])).toEqual(queues);
      const again = new Map([...copy.state.index.usage].filter(([, { holders }]) => holders.length > 0));
      for (const [node, { gpuUuids, cpus, memoryBytes }] of usage)
        expect(again.get(node)).toMatchObject({ gpuUuids, cpus, memoryBytes });
      expect(again.size).toBe(usage.size);
      expect(copy.state.index.activeOfExperiment).toEqual(play.world.state.index.activeOfExperiment);
    }),
    { numRuns: 30 },
  );
});
