import { beforeEach, describe, expect, it } from "vitest";
import type { LeaseId } from "../../shared/ids.js";
import type { AgentEvent } from "./events.js";
import { exampleGrant } from "./example.js";
import { type AgentState, emptyState } from "./state.js";
import { nextTick, step } from "./step.js";
import type { Verdict, WitnessEffect, WitnessSet } from "./witness.js";

const member = (name: string) => ({ name, address: `10.0.0.${name.charCodeAt(0)}`, port: 7415 });
const setOf = (version: number, ...names: string[]): WitnessSet => ({
  version,
  ttlMs: 12_000,
  members: names.map(member),
});

class Node {
  state: AgentState = emptyState;
  nowMs = 1_000_000;
  asked: Array<Extract<WitnessEffect, { type: "ask-witnesses" }>> = [];
  said: Verdict[] = [];

  constructor(readonly name = "a") {
    this.on({ type: "witness-begins", self: name, set: undefined });
  }

  on(event: AgentEvent): this {
    const after = step(this.state, event, { instant: 0, monotonic: this.nowMs });
    this.state = after.state;
    for (const effect of after.witness) {
      if (effect.type === "ask-witnesses") this.asked.push(effect);
      else this.said.push(effect.verdict);
    }
    return this;
  }

  /** As a coordinator begins a session: it says each time who may be asked. */
  welcome(...leases: LeaseId[]): this {
    const { set } = this.state.witness ?? {};
    this.welcomeAlone(...leases);
    return set ? this.on({ type: "witness-set", set }) : this;
  }

  welcomeAlone(...leases: LeaseId[]): this {
    return this.on({
      type: "welcome",
      kept: new Set(leases),
      named: new Set(leases),
      sentAt: this.nowMs,
      ttlMs: 12_000,
    });
  }

  /** Time passes, with the ticks that fall due, as the engine has it. */
  pass(ms: number): this {
    const until = this.nowMs + ms;
    for (;;) {
      const due = nextTick(this.state, this.nowMs);
      if (due === undefined || due > until) break;
      this.nowMs = Math.max(this.nowMs + 1, due);
      this.on({ type: "tick" });
    }
    this.nowMs = until;
    return this;
  }

  /** As answered to the last question. */
  answer(from: string, verdict: Verdict, question = this.asked.at(-1)?.question ?? 0): this {
    return this.on({ type: "witness-answered", from, question, verdict });
  }

  verdict(): Verdict | undefined {
    this.on({ type: "witness-asked", token: "t" });
    return this.said.at(-1);
  }

  get lease() {
    return [...this.state.leases.values()][0];
  }
}

let node: Node;
beforeEach(() => {
  node = new Node();
  node
    .pass(60_000)
    .welcome()
    .on({ type: "witness-set", set: setOf(1, "a", "b", "c") });
  node.on({ type: "grant", grant: exampleGrant() });
});

describe("what a node says of the coordinator", () => {
  it("is live for two thirds of a lease from each answer, and gone then", () => {
    expect(node.verdict()).toBe("live");
    node.pass(7_999);
    expect(node.verdict()).toBe("live");
    node.pass(1);
    expect(node.verdict()).toBe("gone");
    node.on({ type: "heartbeat-answered", sequence: 99n, renewed: [], superseded: [] });
    expect(node.verdict()).toBe("live");
  });

  it("is unknown after a restart, for as long as its predecessor may have been answered", () => {
    const again = new Node().on({ type: "witness-set", set: setOf(1, "a", "b") });
    expect(again.verdict()).toBe("unknown");
    again.pass(7_999);
    expect(again.verdict()).toBe("unknown");
    again.pass(1);
    expect(again.verdict()).toBe("gone");
  });

  it("is nothing where it takes no part", () => {
    const { witness } = step(emptyState, { type: "witness-asked", token: "t" }, { instant: 0, monotonic: 1 });
    expect(witness).toEqual([]);
  });
});

describe("a node whose lease runs out", () => {
  it("asks the others in good time, and again while it needs to", () => {
    node.pass(7_999);
    expect(node.asked).toEqual([]);
    node.pass(1);
    expect(node.asked.map(({ members }) => members.map(({ name }) => name))).toEqual([["b", "c"]]);
    node.pass(2_500);
    expect(node.asked).toHaveLength(3);
    expect(new Set(node.asked.map(({ question }) => question)).size).toBe(3);
  });

  it("asks nobody without a lease, or without witnesses", () => {
    const idle = new Node();
    idle
      .pass(60_000)
      .welcome()
      .on({ type: "witness-set", set: setOf(1, "a", "b") });
    idle.pass(30_000);
    expect(idle.asked).toEqual([]);
    node.on({ type: "witness-set", set: setOf(2) }).pass(30_000);
    expect(node.asked).toEqual([]);
  });

  it("runs on when more than half hear nobody either, counted from the question", () => {
    node.pass(9_000);
    const asked = node.nowMs;
    node.pass(500).answer("b", "gone");
    expect(node.lease?.expiresAt).toBe(asked + 12_000);
    node.pass(4_000);
    expect(node.lease?.frozen).toBe(false);
  });

  it("runs on for an hour, as long as they say so", () => {
    for (let second = 0; second < 3_600; second += 1) node.pass(1_000).answer("b", "gone");
    expect(node.lease?.frozen).toBe(false);
    expect(node.asked.length).toBeLessThan(1_000);
  });

  it.each([
    ["live", "live"],
    ["unknown", "unknown"],
  ] as const)("freezes when the others say %s and %s", (b, c) => {
    node.pass(9_000).answer("b", b).answer("c", c).pass(4_000);
    expect(node.lease?.frozen).toBe(true);
  });

  it("freezes when it is its own only witness, or half is all that it has", () => {
    node.pass(13_000);
    expect(node.lease?.frozen).toBe(true);
    const pair = new Node();
    pair
      .pass(60_000)
      .welcome()
      .on({ type: "witness-set", set: setOf(1, "a", "b", "c", "d") });
    pair.on({ type: "grant", grant: exampleGrant() }).pass(9_000).answer("b", "gone").pass(4_000);
    expect(pair.lease?.frozen).toBe(true);
  });

  it("does not count itself when it can't know", () => {
    const again = new Node().on({ type: "witness-set", set: setOf(1, "a", "b", "c") });
    const { lease } = node;
    if (!lease) throw new Error("no lease");
    const found = { preparation: { state: "absent" }, ranks: new Map(), sameBoot: true } as const;
    again.on({ type: "adopt", run: lease, found, expiresAt: again.nowMs + 7_000 });
    const { expiresAt } = again.lease ?? {};
    again.on({ type: "tick" }).pass(6_500).answer("b", "gone");
    expect(again.lease?.expiresAt).toBe(expiresAt);
    again.answer("c", "gone");
    expect(again.lease?.expiresAt).toBeGreaterThan(expiresAt ?? 0);
  });
});

describe("a permit", () => {
  it("is asked of nobody under a coordinator that names no witnesses, as one of an earlier release", () => {
    const { lease } = node;
    node.pass(1_000).welcomeAlone(lease?.id as LeaseId);
    const asked = node.asked.length;
    node.pass(30_000);
    expect(node.asked).toHaveLength(asked);
    expect(node.lease?.frozen).toBe(true);
  });

  it("is worth nothing after an interruption, until the coordinator has spoken", () => {
    node.pass(13_000);
    expect(node.lease?.frozen).toBe(true);
    const late = node.asked.at(-1)?.question;
    node.answer("b", "gone", late).answer("c", "gone", late).pass(1_000);
    expect(node.lease?.frozen).toBe(true);
    const { lease } = node;
    if (!lease) throw new Error("no lease");
    node.welcome(lease.id).pass(9_000).answer("b", "gone").pass(4_000);
    expect(node.lease?.frozen).toBe(false);
  });

  it("is worth nothing to an agent that was stopped past its lease, though the answers lay ready", () => {
    node.pass(9_000);
    node.nowMs += 3_600_000;
    node.answer("b", "gone").answer("c", "gone");
    expect(node.lease?.expiresAt).toBeLessThan(node.nowMs);
    node.on({ type: "tick" });
    expect(node.lease?.frozen).toBe(true);
  });

  it("comes of no answer to another's or an old set's question, of no stranger, and of nobody twice", () => {
    node.on({ type: "witness-set", set: setOf(2, "a", "b", "c", "d", "e") }).pass(9_000);
    const { expiresAt } = node.lease ?? {};
    node.answer("b", "gone").answer("b", "gone").answer("x", "gone").answer("a", "gone").answer("c", "gone", 17);
    expect(node.lease?.expiresAt).toBe(expiresAt);
    const old = node.asked.at(-1)?.question;
    node.on({ type: "witness-set", set: setOf(3, "a", "b", "c") });
    node.answer("b", "gone", old).answer("c", "gone", old);
    expect(node.lease?.expiresAt).toBe(expiresAt);
    node.pass(1_000).answer("c", "gone");
    expect(node.lease?.expiresAt).toBeGreaterThan(expiresAt ?? 0);
  });

  it("goes by the newest answer of each", () => {
    node.pass(9_000);
    const first = node.asked.at(-1)?.question;
    node.pass(1_000).answer("b", "live").answer("b", "gone", first);
    const { expiresAt } = node.lease ?? {};
    node.pass(500);
    expect(node.lease?.expiresAt).toBe(expiresAt);
  });

  it("goes by the newest witnesses alone", () => {
    node.on({ type: "witness-set", set: setOf(0, "a", "x", "y") });
    expect(node.state.witness?.set?.version).toBe(1);
  });

  it("asks under numbers that no earlier agent of the node has used", () => {
    node.pass(12_000);
    const again = new Node();
    again.nowMs = node.nowMs;
    again.welcome().on({ type: "witness-set", set: setOf(1, "a", "b") });
    again.on({ type: "grant", grant: exampleGrant() }).pass(8_000);
    expect(again.asked[0]?.question).toBeGreaterThan(node.asked.at(-1)?.question ?? 0);
  });
});
