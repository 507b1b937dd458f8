import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PreparationState } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { AgentSite, isAlive } from "../fakes/agent-site.js";
import { until } from "../fakes/until.js";

let site: AgentSite;

beforeEach(async () => {
  site = await AgentSite.start();
});

afterEach(() => site.stop());

function order(preparationId: string, commandLine: string, limitMs = 60_000): void {
  const setupTask = { commandLine, limitMs: BigInt(limitMs), graceMs: 100n };
  const secrets = [{ name: "PASSWORD", value: "hunter2" }];
  const clusterId = "workspaces/w/clusters/c";
  site.coordinator.tell({
    case: "setMounts",
    value: { clusterId, preparationId, setupTask: { ...setupTask, secrets } },
  });
}

const reports = (id: string) =>
  site.coordinator.messages.flatMap((message) =>
    message.case === "preparation" && message.value.preparationId === id ? [message.value] : [],
  );

const last = (id: string, state: PreparationState) =>
  until(`${PreparationState[state]} of ${id}`, () => {
    const report = reports(id).at(-1);
    return report?.state === state && report;
  });

test("a setup task that hangs is ended with all that it has started, and the agent goes on", async () => {
  const mark = site.path("mark");
  order(
    "c.1.0",
    `trap '' TERM; setsid sh -c 'trap "" TERM; echo $$ > ${mark}; while :; do sleep 1; done' & wait; sleep 600`,
    1_500,
  );
  const pid = await site.pidOf("mark");
  expect(isAlive(pid)).toBe(true);
  const { error } = await last("c.1.0", PreparationState.FAILED);
  expect(error).toMatchObject({ code: "SetupTaskFailed", message: expect.stringContaining("took longer than 2 s") });
  await until("nothing of it is left", () => !isAlive(pid));
  order("c.1.1", "true");
  await last("c.1.1", PreparationState.READY);
});

test("one that is to begin waits until the former has gone; its secret is in its environment, and in no file of ours", async () => {
  order("c.1.0", `echo $$ > ${site.path("first")}; exec sleep 600`);
  const pid = await site.pidOf("first");
  order("d.2.0", `kill -0 ${pid} && exit 9; printf %s "$PASSWORD" | rev > ${site.path("second")}`);
  await last("d.2.0", PreparationState.READY);
  expect(readFileSync(site.path("second"), "utf8").trim()).toBe("2retnuh");

  const found = execFileSync("/bin/sh", ["-c", 'grep -rl hunter2 "$1" || true', "sh", site.path("setup")], {
    encoding: "utf8",
  });
  expect(found).toBe("");
});

test("a node that leaves tells that it is free, and what it was prepared for is forgotten", async () => {
  order("c.1.0", "true");
  await last("c.1.0", PreparationState.READY);
  expect(existsSync(site.path("setup", "prepared.json"))).toBe(true);
  site.coordinator.tell({ case: "setMounts", value: {} });
  await last("", PreparationState.READY);
  expect(existsSync(site.path("setup", "prepared.json"))).toBe(false);
});
