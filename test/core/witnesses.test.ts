import { beforeEach, describe, expect, it } from "vitest";
import { isRowChange } from "../../coordinator/core/changes.js";
import { conditionOf } from "../../coordinator/core/preparation/condition.js";
import { defaultSettings } from "../../coordinator/core/settings.js";
import type { Node } from "../../coordinator/core/state.js";
import type { Step } from "../../coordinator/core/step.js";
import { currentSet } from "../../coordinator/core/witnesses/set.js";
import { CoreWorld, type Machine, ready } from "../build.js";

/** Nodes that heartbeat every two seconds, and may be heard without hearing. */
class Site {
  world: CoreWorld;
  readonly machines = new Map<string, Machine>();
  readonly silent = new Set<string>();
  readonly deaf = new Set<string>();
  private readonly answered = new Map<string, bigint>();
  private readonly holds = new Map<string, number>();

  constructor(settings = defaultSettings) {
    this.world = new CoreWorld(settings);
    this.world.workspace();
    this.world.experiment();
    this.world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 40 } } });
  }

  join(...names: string[]): this {
    for (const [at, name] of names.entries()) {
      const machine = { witnessPort: 7415, address: `10.1.${this.machines.size}.${at}`, ...this.machines.get(name) };
      this.machines.set(name, machine);
      this.answered.set(name, 0n);
      this.take(name, this.world.hello(name, { ...machine, witnessSet: this.holds.get(name) ?? 0 }, this.leases(name)));
      this.silent.delete(name);
    }
    return this;
  }

  /** Seconds go by, with ticks; some speak, and of those some hear. */
  pass(seconds: number): this {
    for (let second = 0; second < seconds; second += 1) {
      this.world.now += 1_000;
      if (this.world.now % 2_000 === 0) this.beats();
      this.takeAll(this.world.send({ kind: "tick" }));
    }
    return this;
  }

  beats(): void {
    for (const name of this.machines.keys()) {
      if (this.silent.has(name) || !this.world.connected(name)) continue;
      const set = this.holds.get(name) ?? 0;
      this.take(name, this.world.beat(name, this.leases(name), "", { answered: this.answered.get(name) ?? 0n, set }));
    }
  }

  node(name: string): Node {
    const found = [...this.world.state.nodes.values()].find((node) => node.name === name);
    if (!found) throw new Error(`there is no node ${name}`);
    return found;
  }

  lost(): string[] {
    return [...this.world.state.nodes.values()].filter(({ lost }) => lost).map(({ name }) => name);
  }

  members(): string[] {
    return (currentSet(this.world.state)?.members ?? []).map(({ name }) => name).sort();
  }

  /** One job a node, running. */
  busy(...names: string[]): this {
    for (const name of names) {
      const { effects } = this.world.submit(`job-of-${name}`, {});
      for (const effect of effects) {
        if (effect.kind === "grant-lease") this.world.report(effect.node, effect.grant.leaseId, ready);
      }
    }
    return this;
  }

  private leases(name: string): string[] {
    const node = [...this.world.state.nodes.values()].find((candidate) => candidate.name === name);
    const holders = (node && this.world.state.index.usage.get(node.uuid)?.holders) ?? [];
    return holders.filter(({ zombie }) => !zombie).map(({ lease }) => lease);
  }

  private take(name: string, result: Step): void {
    if (!this.deaf.has(name)) this.takeAll(result);
  }

  private takeAll({ effects }: Step): void {
    for (const effect of effects) {
      if (!("node" in effect) || typeof effect.node !== "string") continue;
      if (this.deaf.has(effect.node) || this.silent.has(effect.node)) continue;
      if (effect.kind === "heartbeat-reply") this.answered.set(effect.node, effect.sequence);
      if (effect.kind === "set-witnesses") this.holds.set(effect.node, effect.version);
    }
  }
}

let site: Site;
beforeEach(() => {
  site = new Site().join("a", "b", "c").pass(4).busy("a", "b", "c").pass(26);
});

describe("a silent node", () => {
  it("is lost as ever when the others hear us", () => {
    site.silent.add("a");
    site.pass(14);
    expect(site.lost()).toEqual([]);
    site.pass(2);
    expect(site.lost()).toEqual(["a"]);
  });

  it("is not lost when the others are heard but don't hear: we may be the ones who are cut off", () => {
    site.silent.add("a");
    site.deaf.add("b").add("c");
    site.pass(3_600);
    expect(site.lost()).toEqual([]);
    expect(conditionOf(site.world.state, site.node("a")).reason).toContain("only 0 of 3 witnesses");
    site.deaf.clear();
    site.pass(14);
    expect(site.lost()).toEqual([]);
    site.pass(6);
    expect(site.lost()).toEqual(["a"]);
  });

  it("waits with another one, when they are most of the witnesses, until a person says that it is off", () => {
    site.silent.add("a").add("b");
    site.pass(600);
    expect(site.lost()).toEqual([]);
    site.world.gone("b");
    site.world.send({ kind: "node-declare-lost", id: "nodes/b" });
    expect(site.lost()).toEqual(["b"]);
    site.pass(600);
    expect(site.lost()).toEqual(["b"]);
    expect(() => site.world.send({ kind: "node-declare-lost", id: "nodes/c" })).toThrow(/heard a moment ago/);
  });

  it("is lost at once without a lease, whoever hears us: nothing runs there", () => {
    site = new Site().join("a", "b", "c").pass(30);
    site.silent.add("a").add("b").add("c");
    site.pass(16);
    expect(site.lost()).toEqual(["a", "b", "c"]);
  });

  it("is lost by silence alone where there are no witnesses", () => {
    site = new Site({ ...defaultSettings, witnesses: false }).join("a", "b", "c").busy("a", "b", "c").pass(30);
    site.silent.add("a").add("b").add("c");
    site.pass(16);
    expect(site.lost()).toEqual(["a", "b", "c"]);
    expect(site.node("a").witnessSets).toBeUndefined();
  });

  it("is judged by the witnesses that it holds, not by those chosen while it was away", () => {
    const old = site.node("a").witnessSets;
    site.world.gone("a");
    site.silent.add("a");
    site.join("d", "e", "f", "g").pass(6);
    site.deaf.add("b").add("c");
    site.pass(60);
    expect(site.members()).toContain("g");
    expect(site.node("a").witnessSets).toEqual(old);
    expect(site.lost()).toEqual([]);
  });

  it("is judged by a set that was sent and not acknowledged, and by the one before", () => {
    const old = site.node("a").witnessSets ?? [];
    site.silent.add("a");
    site.join("d", "e").pass(2);
    expect(site.node("a").witnessSets).toEqual([...old, currentSet(site.world.state)?.version]);
    site.deaf.add("d").add("e").add("b");
    site.pass(60);
    expect(site.lost()).toEqual([]);
  });

  it("is not vouched for by another machine that came under a witness' name", () => {
    site.silent.add("a").add("b").add("c");
    site.machines.set("b", { ...site.machines.get("b"), address: "10.9.9.9", bootId: "boot-2" });
    site.machines.set("c", { ...site.machines.get("c"), address: "10.9.9.8", bootId: "boot-2" });
    site.pass(6).join("b", "c").pass(60);
    expect(site.lost()).toEqual([]);
  });
});

describe("a coordinator that was away", () => {
  it("knows after a restart which witnesses a node may hold", () => {
    site.silent.add("a");
    site.world.restart();
    site.join("b", "c").deaf.add("b").add("c");
    site.pass(60);
    expect(site.lost()).toEqual([]);
    site.deaf.clear();
    site.pass(20);
    expect(site.lost()).toEqual(["a"]);
  });

  it("declares nobody lost whose witnesses it does not know", () => {
    const { world } = site;
    for (const set of [...world.state.witnessSets.values()]) {
      world.rows.write([{ kind: "delete", table: "witness-set", key: String(set.version) }]);
    }
    world.restart();
    site.silent.add("a");
    site.join("b", "c").pass(120);
    expect(site.lost()).toEqual([]);
    site.join("a").pass(8).silent.add("a");
    site.pass(20);
    expect(site.lost()).toEqual(["a"]);
  });

  it("takes heartbeats that lay unread while it stood still for no proof", () => {
    site.silent.add("a");
    site.pass(8);
    // The others broke their sessions after some seconds, and went on without us; what they had sent before is read now.
    site.world.now += 3_600_000;
    site.beats();
    site.deaf.add("b").add("c");
    site.pass(30);
    expect(site.lost()).toEqual([]);
  });

  it("keeps the witnesses that have not had time to return", () => {
    const before = site.members();
    site.world.restart();
    site.join("a").pass(14);
    expect(site.members()).toEqual(before);
  });
});

describe("the witnesses", () => {
  it("are all nodes that take part, of different machines first, fifteen at most, and two at least", () => {
    site = new Site();
    site.machines.set("off", { witnessPort: 0 });
    site.join("off", "alone").pass(30);
    expect(site.members()).toEqual([]);
    for (let number = 0; number < 20; number += 1) {
      const name = `n${String(number).padStart(2, "0")}`;
      if (number < 10) site.machines.set(name, { address: "10.2.0.1" });
      site.join(name);
    }
    site.pass(30);
    expect(site.members()).toHaveLength(15);
    expect(site.members()).toEqual(expect.arrayContaining(["alone", "n00", "n10", "n19"]));
    expect(site.members()).not.toContain("off");
  });

  it("stay the same while they are fit, and come and go in batches", () => {
    const before = currentSet(site.world.state)?.version ?? 0;
    site.pass(600);
    expect(currentSet(site.world.state)?.version).toBe(before);
    site.join("d").pass(1).join("e").pass(1).join("f").pass(10);
    expect(site.members()).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect([...site.world.state.witnessSets.keys()].filter((version) => version > before).length).toBeLessThan(3);
    site.silent.add("a");
    site.pass(30);
    expect(site.members()).toEqual(["b", "c", "d", "e", "f"]);
  });

  it("are forgotten when nobody can hold them", () => {
    for (const name of ["d", "e", "f"]) site.join(name).pass(10);
    expect(site.world.state.witnessSets.size).toBe(1);
  });

  it("are written down as sent before they are sent", () => {
    site.world.hello("new", { witnessPort: 7415, address: "10.5.0.1" });
    const { changes, effects } = site.world.send({ kind: "tick" });
    const sent = effects.find((effect) => effect.kind === "set-witnesses");
    const version = sent?.kind === "set-witnesses" ? sent.version : 0;
    expect(version).toBe(currentSet(site.world.state)?.version);
    expect(changes).toContainEqual(
      expect.objectContaining({ table: "node", row: expect.objectContaining({ witnessSets: [version] }) }),
    );
  });

  it("need no row for a session or a heartbeat: a catalog that takes none keeps no lease from being renewed", () => {
    const rows = ({ changes }: Step) => changes.filter(isRowChange);
    site.join("d", "e").pass(1);
    const version = currentSet(site.world.state)?.version ?? 0;
    expect(rows(site.world.beat("a", [], "", { set: version }))).toEqual([]);
    const { address = "" } = site.machines.get("a") ?? {};
    const held = site.world.job("job-of-a")?.state;
    const leases = held && "lease" in held ? [held.lease.id] : [];
    const again = site.world.hello("a", { witnessPort: 7415, address, witnessSet: version }, leases);
    expect(rows(again).filter((change) => change.table === "witness-set")).toEqual([]);
    expect(again.effects).toContainEqual(expect.objectContaining({ kind: "set-witnesses", version }));
    expect(site.node("a").witnessSets?.length).toBe(2);
    site.pass(1);
    expect(site.node("a").witnessSets).toEqual([version]);
  });

  it("are no more than a few to a node that acknowledges none, until it does", () => {
    site.deaf.add("a");
    for (let number = 0; number < 12; number += 1) site.join(`n${number}`).pass(6);
    expect(site.node("a").witnessSets?.length).toBeLessThan(10);
    site.deaf.clear();
    site.join("a").pass(20);
    expect(site.node("a").witnessSets).toEqual([currentSet(site.world.state)?.version]);
  });

  it("have numbers above any that a node has heard of", () => {
    const future = site.world.now + 1_000_000;
    site.machines.set("d", { witnessSet: future });
    site.world.hello("d", { witnessPort: 7415, address: "10.6.0.1", witnessSet: future });
    site.pass(10);
    expect(currentSet(site.world.state)?.version).toBeGreaterThan(future);
  });

  it("are none, by a new set, when they are switched off", () => {
    const off = new CoreWorld({ ...defaultSettings, witnesses: false });
    off.rows.write([...site.world.rows.all()] as never);
    off.now = site.world.now;
    site.world = off;
    off.restart();
    site.join("a", "b", "c").pass(20);
    expect(currentSet(off.state)?.members).toEqual([]);
    site.silent.add("a").add("b").add("c");
    site.pass(20);
    expect(site.lost()).toEqual(["a", "b", "c"]);
  });
});
