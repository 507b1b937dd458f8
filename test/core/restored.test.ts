import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import { load } from "../../coordinator/core/apply.js";
import type { Put, Table } from "../../coordinator/core/changes.js";
import { explain } from "../../coordinator/core/explain.js";
import { nodeNamed } from "../../coordinator/core/names.js";
import { defaultSettings } from "../../coordinator/core/settings.js";
import type { Step } from "../../coordinator/core/step.js";
import { HelloSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { nodeId } from "../../shared/ids.js";
import { CoreWorld, ready } from "../build.js";

const life = { catalog: "c", epoch: 1, life: "one" };

let site: CoreWorld;

/** Two machines; `runs` is on the first, `waits` behind it. */
beforeEach(() => {
  site = new CoreWorld({ ...defaultSettings, life });
  site.workspace();
  site.experiment();
  site.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  come(site, "a");
  site.submit("runs", {});
  site.report("a", leaseOf("runs", 1), ready);
  site.submit("waits", {});
  come(site, "b");
  site.submit("third", {});
});

/** A restored copy, at the time of the original; nobody has spoken to it. */
function restored(): CoreWorld {
  const at = site.now + 1_000;
  const copy = new CoreWorld({
    ...defaultSettings,
    life: { catalog: "c", epoch: 2, life: "two", restored: { at, attemptsSkipped: 1_000 } },
  });
  copy.now = at + 60_000;
  const rows = [...site.rows.all()] as Array<Put<Table>>;
  copy.rows.write(rows as never);
  load(copy.state, rows as never);
  for (let made = 0; made < 1_000; made++) copy.fresh();
  copy.restart();
  return copy;
}

const leaseOf = (name: string, attempt: number) => `${site.job(name)?.uuid}.${attempt}`;

function come(world: CoreWorld, name: string, held: string[] = []): Step[] {
  return [world.hello(name, {}, held), world.beat(name, held)];
}

function pass(world: CoreWorld, seconds: number, beating: Record<string, string[]> = {}): void {
  for (let second = 0; second < seconds; second++) {
    world.now += 1_000;
    for (const [name, held] of Object.entries(beating)) world.beat(name, held);
    world.send({ kind: "tick" });
  }
}

describe("a restored catalog", () => {
  it("starts nothing of the backup, and renews nothing, before every node has shown that it obeys", () => {
    const copy = restored();
    const held = [leaseOf("runs", 1)];
    const welcomed = come(copy, "a", held).flatMap(({ effects }) => effects);
    // Had the original called a lost, another attempt would run elsewhere by now.
    expect(welcomed).toContainEqual(
      expect.objectContaining({ kind: "welcome", keptLeaseIds: [], undecidedLeaseIds: held }),
    );
    expect(welcomed).toContainEqual(
      expect.objectContaining({ kind: "heartbeat-reply", renewedLeaseIds: [], supersededLeaseIds: [] }),
    );
    copy.hello("b", {}, [leaseOf("third", 1)]);
    pass(copy, 1, { a: held });
    // What the backup does not know must be gone from b; and its hello alone may be an old one that the network kept.
    copy.beat("b", [leaseOf("third", 1)]);
    pass(copy, 1, { a: held });
    expect(copy.job("third")?.state.kind).toBe("queued");
    copy.beat("b");
    expect(copy.beat("a", held).effects).toContainEqual(
      expect.objectContaining({ kind: "heartbeat-reply", renewedLeaseIds: held }),
    );
    pass(copy, 1, { a: held, b: [] });
    expect(copy.job("runs")).toMatchObject({ attempt: 1, state: { kind: "running" } });
    // Attempt 1 was granted to b before the backup: whether it ran there, only the original knows.
    expect(copy.job("waits")).toMatchObject({ attempt: 1_002, state: { kind: "preparing" } });
  });

  it("never calls a node lost that it has not heard, and says for whom it waits, until a person knows", () => {
    const copy = restored();
    come(copy, "a", [leaseOf("runs", 1)]);
    pass(copy, 60, { a: [leaseOf("runs", 1)] });
    expect(nodeNamed(copy.state, "b")?.lost).toBeUndefined();
    const third = copy.job("third");
    if (!third) throw new Error("the backup has lost a job");
    const { reasons } = explain(copy.state, third, copy.now);
    expect(reasons).toContainEqual(
      expect.objectContaining({ check: "gathered", message: expect.stringContaining("b may still run") }),
    );
    copy.send({ kind: "node-declare-lost", id: "nodes/b" });
    pass(copy, 1, { a: [leaseOf("runs", 1)] });
    expect(copy.state.index.awaited.size).toBe(0);
  });

  it("gives no number twice to a job of the backup, and the first to one that is new", () => {
    const copy = restored();
    come(copy, "a");
    come(copy, "b");
    pass(copy, 2, { a: [], b: [] });
    // Neither is held any more: what the original gave since may be gone, too.
    expect(copy.job("runs")?.attempt).toBe(1_002);
    for (const name of ["runs", "waits", "third"]) {
      const job = copy.job(name);
      if (job) copy.send({ kind: "job-terminate", id: `workspaces/w/experiments/e/jobs/${name}` });
    }
    for (const name of ["runs", "waits"]) {
      const lease = `${copy.job(name)?.uuid}.${copy.job(name)?.attempt}`;
      for (const node of ["a", "b"]) copy.report(node, lease, { case: "done", value: {} });
    }
    copy.submit("fresh", {});
    expect(copy.job("fresh")).toMatchObject({ attempt: 1, state: { kind: "preparing" } });
  });
});

describe("a coordinator of which a restored copy is obeyed", () => {
  it("is told so by the nodes, and gives them nothing", () => {
    const hello = create(HelloSchema, {
      nodeName: "b",
      bootId: "boot-1",
      inventory: { machineClass: "pc", cpus: 4, memoryBytes: 1n << 34n },
      obeyed: { catalog: "c", epoch: 2n, life: "two" },
    });
    const { effects } = site.send({ kind: "agent-hello", session: "late", freshNode: nodeId(site.fresh()), hello });
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: "refuse-session", reason: expect.stringContaining("restored from a backup") }),
    );
    expect(effects).not.toContainEqual(expect.objectContaining({ kind: "welcome" }));
  });
});
