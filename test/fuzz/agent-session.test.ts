import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SessionResponse, SessionResponseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { AgentSite } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";
import { message } from "./arbitraries/message.js";
import { checkAsync } from "./runs.js";

/** A real agent with a coordinator that says anything: it stays, and everything that it makes is in its folder. */

let site: AgentSite;
/** What it has in its folder anyway. */
let own: string[];
beforeAll(async () => {
  site = await AgentSite.start();
  const grant = makeGrant();
  site.coordinator.grant(grant);
  await site.story(grant.leaseId, "done");
  own = readdirSync(site.dir);
}, 60_000);
afterAll(() => site.stop());

const uuids = Array.from({ length: 4 }, (_, at) => `00000000-0000-4000-8000-00000000000${at}`);
const likely = {
  ...{
    leaseId: fc.constantFrom(...uuids.map((uuid) => `${uuid}.1`)),
    jobUuid: fc.constantFrom(...uuids),
    attempt: fc.constant(1),
  },
  ...{
    ttlMs: fc.constant(12_000n),
    requestId: fc.constantFrom("0".repeat(32), "../../x"),
    rank: fc.constantFrom(0, 1),
  },
  ...{ leaseTtlMs: fc.constantFrom(12_000n, 0n, -1n), heartbeatIntervalMs: fc.constantFrom(200n, 0n) },
};

/** Nothing that this test makes up is run, and nothing is made at a path that it made up. */
function harmless({ message: said }: SessionResponse): SessionResponse["message"] {
  if (said.case === "remoteStart") return { ...said, value: { ...said.value, commandLine: "true" } };
  if (said.case === "setMounts") {
    const { setupTask } = said.value;
    const task = setupTask && { ...setupTask, commandLine: "true", stdDirectory: "", environment: [], secrets: [] };
    return { ...said, value: { ...said.value, ...(task ? { setupTask: task } : {}) } };
  }
  if (said.case !== "grant") return said;
  const ranks = said.value.ranks.map((rank) => ({ ...rank, commandLine: "true" }));
  const folders = { directories: [], stdDirectory: "", jobPathSegment: said.value.jobPathSegment.replaceAll("..", "") };
  return {
    ...said,
    value: { ...said.value, ...folders, ranks, preparationCommandLine: "", clusterMounts: [], jobMounts: [] },
  };
}

const anything = message(SessionResponseSchema, { likely }).map(harmless);

test("it goes on beating, and works for whoever makes sense", { timeout: 600_000 }, async () => {
  const { coordinator } = site;
  await checkAsync(
    fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 30 }), async (all) => {
      await until("a session", () => coordinator.connected, 30_000);
      for (const said of all) if (said.case !== undefined && coordinator.connected) coordinator.tell(said);
      const beats = coordinator.messages.length;
      await until(
        "it beats on",
        () => coordinator.connected && coordinator.messages.slice(beats).some(({ case: kind }) => kind === "heartbeat"),
        30_000,
      );
    }),
    12,
  );
  await until("a session", () => coordinator.connected, 30_000);
  const grant = makeGrant();
  coordinator.grant(grant);
  expect(await site.story(grant.leaseId, "done")).toContain("rankExited 0");
  expect(readdirSync(site.dir).filter((name) => !own.includes(name))).toEqual([]);
  for (const name of readdirSync(join(site.dir, "spool"))) expect(name).toMatch(/^[0-9a-f-]{36}\.\d+$/);
});
