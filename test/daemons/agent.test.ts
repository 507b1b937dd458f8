import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { Agent } from "../../agent/agent.js";
import { InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { fakeParts } from "../fakes/agent-parts.js";
import { FakeCoordinator } from "../fakes/coordinator.js";
import { makeGrant } from "../fakes/lease-grant.js";

/** The agent with real processes, ledger and session, in this process; what is beside those is fake. */
const shimPath = process.env.STOKER_SHIM ?? resolve(import.meta.dirname, "../../dist/stoker-shim");

let dir: string;
let coordinator: FakeCoordinator;
let agent: Agent;
let address: string;

function startAgent(): Agent {
  return new Agent(
    {
      coordinator: address,
      name: "n1",
      host: "127.0.0.1",
      dataDir: dir,
      shimPath,
      rshPath: shimPath,
      token: () => "secret",
      inventory: create(InventorySchema, { cpus: 2 }),
      baseEnvironment: { PATH: "/usr/bin:/bin", HOME: dir },
    },
    fakeParts(),
    pino({ level: process.env.LOG_LEVEL ?? "silent" }),
  );
}

async function until<T>(what: string, look: () => T | undefined | false, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const story = (lease: string, end: string) =>
  until(`${end} of ${lease} (${coordinator.story(lease).join(", ")})`, () => {
    const all = coordinator.story(lease);
    return all.includes(end) && all;
  });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "stoker-agent-"));
  coordinator = new FakeCoordinator();
  address = await coordinator.start();
  agent = startAgent();
  await agent.start();
  await until("a session", () => coordinator.connected);
});

afterEach(async () => {
  await agent.stop();
  coordinator.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe("a job of one rank", () => {
  it("runs to its end and leaves nothing on the node", async () => {
    const grant = makeGrant({ ranks: [{ rank: 0, commandLine: "exit 7" }] });
    coordinator.grant(grant);
    expect(await story(grant.leaseId, "done")).toEqual(["ready", "rankStarted", "rankExited 7", "done"]);
    await until("an empty ledger", () => readdirSync(join(dir, "ledger")).length === 0);
    await until("an empty spool", () => readdirSync(join(dir, "spool")).length === 0);
  });
});
