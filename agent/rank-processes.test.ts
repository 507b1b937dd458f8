import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { assert } from "../shared/assert.js";
import { parseLeaseId } from "../shared/ids.js";
import { until } from "../test/fakes/until.js";
import { exampleGrant, exampleRank } from "./core/example.js";
import { newRun } from "./core/lease-state.js";
import { dataPaths } from "./paths.js";
import type { Logs, ShimProcess, Shims } from "./ports.js";
import { RankProcesses } from "./rank-processes.js";
import { RankPipes } from "./ranks/rank-pipes.js";
import type { AllSurroundings } from "./surroundings.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-rank-processes-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const log = pino({ level: "silent" });
const signals: string[] = [];

/** Each start waits until it is let through. */
class SlowShims implements Shims {
  readonly waiting: Array<() => void> = [];

  start({ dir: where }: Parameters<Shims["start"]>[0]): Promise<ShimProcess> {
    const process = { dir: where, pid: 4_242, exited: new Promise<never>(() => undefined) };
    return new Promise((resolve) => this.waiting.push(() => resolve(process)));
  }

  async adopt(): Promise<undefined> {}

  signal(process: ShimProcess, signal: NodeJS.Signals): void {
    signals.push(`${process.pid} ${signal}`);
  }
}

it("a rank that is just being started when its lease is stopped is asked to end as soon as it is there", async () => {
  const grant = exampleGrant({ ranks: [exampleRank(0)] });
  const id = parseLeaseId(grant.leaseId);
  assert(id, "the example has a lease");
  const run = newRun(grant, id, 0, { phase: "running" });
  const shims = new SlowShims();
  const told: string[] = [];
  const places = { base: {}, mountRoot: dir, jobMountsRoot: dir, jobsRoot: dir, spoolRoot: dir, socket: "", rsh: "" };
  const surroundings = {
    of: () => ({ places: { ...places, commands: "" }, within: (argv: string[]) => argv, contained: false }),
  };
  const ranks = new RankProcesses(
    dataPaths(dir),
    surroundings as unknown as AllSurroundings,
    shims,
    new RankPipes("/nonexistent", log),
    { follow: () => undefined } as unknown as Logs,
    (_, event) => told.push(event.type),
    async () => undefined,
    () => undefined,
    log,
  );
  ranks.start(run, [0]);
  await until("the start is asked for", () => shims.waiting.length === 1);
  ranks.terminate(run.id);
  expect(signals).toEqual([]);
  shims.waiting[0]?.();
  await until("it has started", () => told.includes("rank-started"));
  expect(signals).toEqual(["4242 SIGTERM"]);
});
