import { pino } from "pino";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Fault } from "../shared/fault.js";
import { workspaceId } from "../shared/ids.js";
import { type Change, isRowChange, type Put, type Table } from "./core/changes.js";
import { defaultSettings } from "./core/state.js";
import { Engine, type Rows } from "./engine.js";

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
  }
}

let rows: FakeRows;
let rebuilt: number;
let engine: Engine;
beforeEach(() => {
  rows = new FakeRows();
  rebuilt = 0;
  engine = new Engine({
    rows,
    settings: defaultSettings,
    clock: { now: () => 1_000_000, monotonic: () => performance.now() },
    log: pino({ level: "silent" }),
    perform: () => undefined,
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
    rows.full = false;
    await create("b");
    expect(names()).toEqual(["a", "b"]);
  });

  it("commits what was told before a stop, and refuses what comes after", async () => {
    const before = create("a");
    engine.stop();
    await before;
    expect(rows.commits).toHaveLength(1);
    await expect(create("b")).rejects.toMatchObject({ code: "unavailable" });
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
