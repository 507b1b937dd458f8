import { randomUUID } from "node:crypto";
import { create as message } from "@bufbuild/protobuf";
import { pino } from "pino";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Fault } from "../shared/fault.js";
import { HeartbeatSchema, HelloSchema } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { nodeId, workspaceId } from "../shared/ids.js";
import { until } from "../test/fakes/until.js";
import { load } from "./core/apply.js";
import { type Change, isRowChange, type Put, type Table } from "./core/changes.js";
import type { Effect } from "./core/effects.js";
import type { Event } from "./core/events.js";
import { emptyState, type State } from "./core/memory.js";
import { defaultSettings } from "./core/settings.js";
import { Engine, type Room, type Rows } from "./engine.js";

/** Rows in memory, on a disk that can be full. */
class FakeRows implements Rows {
  full = false;
  readonly commits: Change[][] = [];

  *load(): Iterable<{ [T in Table]: Put<T> }[Table]> {
    for (const change of this.commits.flat()) if (change.kind === "put") yield change;
  }

  commit(changes: readonly Change[]): void {
    const rows = changes.filter(isRowChange);
    if (rows.length === 0) return;
    if (this.full) throw new Fault("resource-exhausted", "disk full");
    this.commits.push(rows);
    this.committed();
  }

  probe(): void {
    if (this.full) throw new Fault("resource-exhausted", "disk full");
  }

  /** A test's look at the moment between commit and answer. */
  committed = () => {};
}

/** Free space that can be given up once. */
class FakeRoom implements Room {
  low: string | undefined;
  held = 0;

  spend(): boolean {
    if (this.held === 0) return false;
    this.held = 0;
    rows.full = false;
    return true;
  }
}

let rows: FakeRows;
let room: FakeRoom;
let rebuilt: number;
let performed: Effect[];
let engine: Engine;
beforeEach(() => {
  rows = new FakeRows();
  room = new FakeRoom();
  rebuilt = 0;
  performed = [];
  engine = new Engine({
    rows,
    room,
    settings: defaultSettings,
    clock: { now: () => 1_000_000, monotonic: () => performance.now() },
    log: pino({ level: "silent" }),
    perform: (effect) => performed.push(effect),
    rebuilt: () => {
      rebuilt += 1;
    },
  });
});

let made = 0;
const create = (name: string) => {
  made += 1;
  const uuid = workspaceId(`00000000-0000-4000-8000-${String(made).padStart(12, "0")}`);
  return engine.ask({ kind: "workspace-create", uuid, name, tags: {}, location: "" });
};
const names = () => [...engine.state.workspaces.values()].map(({ name }) => name);

const hello = (session: string, nodeName = "n"): Event => ({
  kind: "agent-hello",
  session,
  freshNode: nodeId(randomUUID()),
  hello: message(HelloSchema, {
    nodeName,
    address: "10.0.0.1",
    bootId: "b",
    inventory: { machineClass: "m", cpus: 4, memoryBytes: 1n },
  }),
});
const beat = (session: string, sequence: bigint): Event => ({
  kind: "agent-heartbeat",
  session,
  node: "n",
  heartbeat: message(HeartbeatSchema, { sequence }),
});

/** What a coordinator would know that starts now. */
function fresh(): State {
  const state = emptyState(defaultSettings, engine.state.clock.tickedAt);
  load(state, rows.load());
  return state;
}

describe("Engine", () => {
  it("answers calls that came together after one commit", async () => {
    const asked = Promise.all([create("a"), create("b"), create("c")]);
    expect(rows.commits).toHaveLength(0);
    await asked;
    expect(rows.commits).toHaveLength(1);
    expect(names()).toEqual(["a", "b", "c"]);
  });

  it("refuses one event without the others", async () => {
    const asked = Promise.allSettled([create("a"), create("not a name"), create("b")]);
    expect((await asked).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(names()).toEqual(["a", "b"]);
  });

  it("acknowledges nothing that the disk refused, and goes on from what is on disk", async () => {
    await create("a");
    rows.full = true;
    const asked = await Promise.allSettled([create("b"), create("c")]);
    expect(asked).toMatchObject([
      { reason: { code: "resource-exhausted" } },
      { reason: { code: "resource-exhausted" } },
    ]);
    expect(names()).toEqual(["a"]);
    expect(rebuilt).toBe(1);
    expect(engine.readOnly).toContain("read-only");
    expect(fresh()).toEqual(engine.state);
    // Once more, without another look at the whole disk.
    await expect(create("d")).rejects.toMatchObject({ code: "resource-exhausted" });
    expect(rebuilt).toBe(1);
    rows.full = false;
    await until("rows are taken again", () => engine.readOnly === undefined);
    expect(rebuilt).toBe(2);
    await create("b");
    expect(names()).toEqual(["a", "b"]);
    expect(fresh().workspaces).toEqual(engine.state.workspaces);
  });

  it("renews leases on a full disk, and leaves unanswered what it can't write down", async () => {
    engine.tell(hello("s1"));
    await until("welcome", () => performed.some(({ kind }) => kind === "welcome"));
    rows.full = true;
    await expect(create("a")).rejects.toMatchObject({ code: "resource-exhausted" });
    performed.length = 0;
    // As it was: nothing has to be written for it. Another machine is a row.
    engine.tell(hello("s2"));
    engine.tell(hello("s3", "other"));
    engine.tell(beat("s2", 1n));
    await until("an answer", () => performed.some(({ kind }) => kind === "heartbeat-reply"));
    expect(performed.filter(({ kind }) => kind === "welcome")).toMatchObject([{ session: "s2" }]);
    expect(rebuilt).toBe(1);
    expect([...engine.state.nodes.values()].map(({ name }) => name)).toEqual(["n"]);
  });

  it("gives the reserve for what was to be written, once", async () => {
    rows.full = true;
    room.held = 1;
    await create("a");
    expect(names()).toEqual(["a"]);
    expect(rebuilt).toBe(0);
    rows.full = true;
    await expect(create("b")).rejects.toMatchObject({ code: "resource-exhausted" });
  });

  it("takes nothing new on when little room is left, repeats what it said, and lets everything else through", async () => {
    await create("a");
    const [a] = [...engine.state.workspaces.values()];
    room.low = "3 MiB are left";
    await expect(create("b")).rejects.toMatchObject({ message: expect.stringContaining("3 MiB are left") });
    await engine.ask({ kind: "workspace-delete", id: "workspaces/a" });
    expect(a && names()).toEqual([]);
    expect(engine.readOnly).toBeUndefined();
  });

  it("says and does nothing before the commit has returned", async () => {
    const seen: unknown[] = [];
    let answered = false;
    rows.committed = () => seen.push(answered, performed.length);
    engine.tell(hello("s1"));
    await create("a").then(() => {
      answered = true;
    });
    expect(seen).toEqual([false, 0]);
    expect(performed.length).toBeGreaterThan(0);
  });

  it("commits what was told before a stop, and refuses what comes after", async () => {
    const before = create("a");
    engine.stop();
    await before;
    expect(rows.commits).toHaveLength(1);
    await expect(create("b")).rejects.toMatchObject({ code: "unavailable" });
  });

  it("takes a burst in turns that each end in time, in order, with one commit each", async () => {
    let time = 0;
    const slow = new Engine({
      rows,
      settings: defaultSettings,
      clock: {
        now: () => 1_000_000,
        monotonic: () => {
          time += 2;
          return time;
        },
      },
      log: pino({ level: "silent" }),
      perform: () => undefined,
      rebuilt: () => undefined,
    });
    let others = 0;
    const between: number[] = [];
    rows.committed = () => {
      between.push(others);
      setImmediate(() => {
        others += 1;
      });
    };
    const answered: string[] = [];
    const wanted = Array.from({ length: 20 }, (_, at) => `w${at}`);
    await Promise.all(
      wanted.map(async (name, at) => {
        const uuid = workspaceId(`00000000-0000-4000-9000-${String(at).padStart(12, "0")}`);
        await slow.ask({ kind: "workspace-create", uuid, name, tags: {}, location: "" });
        answered.push(name);
      }),
    );
    expect(answered).toEqual(wanted);
    expect(rows.commits.length).toBeGreaterThan(3);
    // Whoever else waits for a turn has one in between.
    expect(between.at(-1)).toBeGreaterThanOrEqual(rows.commits.length - 2);
  });

  it("gives the core a clock that a jump of the wall clock does not move", () => {
    const wall = vi.fn(() => 5_000_000);
    const jumping = new Engine({
      rows,
      settings: defaultSettings,
      clock: { now: wall, monotonic: () => 0 },
      log: pino({ level: "silent" }),
      perform: () => undefined,
      rebuilt: () => undefined,
    });
    wall.mockReturnValue(1);
    expect(jumping.now()).toBe(5_000_000);
  });
});
