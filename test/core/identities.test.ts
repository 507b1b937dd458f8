import { describe, expect, it } from "vitest";
import type { NodeJoin } from "../../coordinator/core/identity/events.js";
import { CoreWorld, ready } from "../build.js";

const hour = 3_600_000;

function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  return world;
}

function token(world: CoreWorld, uuid = "t", changes: { uses?: number; lifeMs?: number; replaces?: boolean } = {}) {
  const { uses = 1, lifeMs = hour, replaces = false } = changes;
  const expiresAt = world.now + lifeMs;
  world.send({ kind: "join-token-create", uuid, hash: `hash of ${uuid}`, uses, expiresAt, replaces, createdBy: "ada" });
}

const joins = (world: CoreWorld, name: string, uuid = "t", changes: Partial<NodeJoin> = {}) =>
  world.send({
    kind: "node-join",
    token: uuid,
    hash: `hash of ${uuid}`,
    name,
    keyHash: `key of ${name}`,
    natsKey: `NATS key of ${name}`,
    ...changes,
  });

describe("a joining token", () => {
  it("lets in as many machines as it says, and is remembered over a restart", () => {
    const world = lab();
    token(world, "t", { uses: 2 });
    joins(world, "a");
    world.restart();
    joins(world, "b");
    expect(() => joins(world, "c")).toThrow(/used as often as it may be/);
    expect(world.state.nodeIdentities.get("a")).toMatchObject({ keyHash: "key of a", token: "t" });
  });

  it("is refused when it has expired, is revoked, or is not known, and changes nothing then", () => {
    const world = lab();
    token(world, "old", { lifeMs: 1_000 });
    world.now += 1_000;
    token(world, "revoked");
    world.send({ kind: "join-token-revoke", uuid: "revoked" });
    token(world, "good");
    expect(() => joins(world, "a", "old")).toThrow(/has expired/);
    expect(() => joins(world, "a", "revoked")).toThrow(/was revoked/);
    expect(() => joins(world, "a", "none")).toThrow(/not one of this coordinator/);
    // The right one with another secret is as unknown as none.
    expect(() => joins(world, "a", "good", { hash: "guessed" })).toThrow(/not one of this coordinator/);
    expect(world.state.nodeIdentities.size).toBe(0);
    expect(world.state.joinTokens.get("good")?.used).toBe(0);
  });

  it("lets no machine take another's key for NATS, which would then know neither; one that was removed leaves its own", () => {
    const world = lab();
    token(world, "t", { uses: 3 });
    joins(world, "a");
    const same = { natsKey: "NATS key of a" };
    expect(() => joins(world, "b", "t", same)).toThrow(/another machine has joined with this key for NATS/);
    world.hello("a");
    world.send({ kind: "node-remove", id: "a", by: "ada" });
    joins(world, "b", "t", same);
    expect(world.state.nodeIdentities.get("b")).toMatchObject(same);
  });

  it.each([
    ["uses", { uses: 0 }],
    ["a time", { lifeMs: 0 }],
    ["a time that somebody remembers", { lifeMs: 32 * 24 * hour }],
  ])("has %s", (_, changes) => {
    expect(() => token(lab(), "t", changes)).toThrow(/expected 1 to|at most/);
  });
});

describe("a name", () => {
  it("is one machine's until that is removed, or the token is one that replaces", () => {
    const world = lab();
    token(world, "t", { uses: 9 });
    joins(world, "a");
    expect(() => joins(world, "a", "t", { keyHash: "another" })).toThrow(/joined as a already.*stoker node remove a/);
    token(world, "r", { replaces: true });
    const { effects } = joins(world, "a", "r", { keyHash: "another" });
    expect(world.state.nodeIdentities.get("a")?.keyHash).toBe("another");
    expect(effects).toContainEqual({ kind: "identity-changed", node: "a" });
  });

  it("does not stand for another in the subjects of NATS", () => {
    const world = lab();
    token(world, "t", { uses: 9 });
    joins(world, "a.lab");
    expect(() => joins(world, "a_lab")).toThrow(/differs from node a.lab by a dot alone/);
    expect(() => joins(world, "-a")).toThrow(/can't be a node's name/);
  });
});

describe("a node that is removed", () => {
  it("has no say from then on, and its jobs run elsewhere when it must have stopped", () => {
    const world = lab();
    token(world, "t", { uses: 9 });
    joins(world, "a");
    world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
    world.hello("a");
    world.submit("j", {});
    const lease = `${world.job("j")?.uuid}.1`;
    world.report("a", lease, ready);
    joins(world, "b");
    world.hello("b");
    const { effects } = world.send({ kind: "node-remove", id: "nodes/a", by: "ada" });
    expect(effects).toContainEqual({ kind: "identity-changed", node: "a" });
    expect(world.state.nodeIdentities.get("a")?.revokedAt).toBe(world.now);
    world.gone("a");
    // It may run still: nothing of the job begins elsewhere.
    world.send({ kind: "tick" });
    expect(world.job("j")?.attempt).toBe(1);
    const { leaseTtlMs, marginMs } = world.settings;
    for (let passed = 0; passed <= leaseTtlMs + marginMs + 1_000; passed += 1_000) {
      world.now += 1_000;
      world.beat("b");
      world.send({ kind: "tick" });
    }
    expect(world.job("j")).toMatchObject({ attempt: 2 });
    expect([...world.state.nodes.values()].map(({ name }) => name)).toEqual(["b"]);
    // Its key stays known as revoked.
    world.restart();
    expect(world.state.nodeIdentities.get("a")).toMatchObject({ keyHash: "key of a", revokedAt: expect.any(Number) });
    joins(world, "a", "t", { keyHash: "another" });
    expect(world.state.nodeIdentities.get("a")?.revokedAt).toBeUndefined();
  });

  it("must have joined, and may not join again before it is gone", () => {
    const world = lab();
    token(world, "t", { uses: 9 });
    world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
    world.hello("old");
    expect(() => world.send({ kind: "node-remove", id: "nodes/old", by: "ada" })).toThrow(/has not joined/);
    joins(world, "a");
    world.hello("a");
    world.send({ kind: "node-remove", id: "nodes/a", by: "ada" });
    expect(() => joins(world, "a", "t", { keyHash: "another" })).toThrow(/being removed still/);
  });
});
