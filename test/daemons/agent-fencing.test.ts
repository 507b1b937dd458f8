import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { AgentProcess } from "../fakes/agent-process.js";
import { isAlive, stateOf } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";
import { isFrozen } from "../fakes/watch-site.js";

const longMs = 30_000;
const ttlMs = 1_500;

describe("an agent that can't act", () => {
  let site: AgentProcess;
  let rank: number;
  let lease: string;

  beforeEach(async () => {
    site = await AgentProcess.start(ttlMs);
    const commandLine = `echo $$ > ${site.dir}/pid; exec sleep 600`;
    const grant = makeGrant({ ttlMs: BigInt(ttlMs), ranks: [{ rank: 0, commandLine }] });
    lease = grant.leaseId;
    site.coordinator.grant(grant);
    rank = await site.pidIn("pid");
  });
  afterEach(() => site.stop(rank));

  const frozen = () => until("a frozen rank", () => isFrozen(rank), longMs);
  const goesOn = () => until("a rank that goes on", () => stateOf(rank) === "S", longMs);

  it("because it is stopped has its ranks frozen, and thawed once it has heard that they are still its own", async () => {
    site.agent?.kill("SIGSTOP");
    await frozen();
    site.agent?.kill("SIGCONT");
    await goesOn();
    // The coordinator heard of it.
    const held = site.coordinator.messages.flatMap((message) =>
      message.case === "heartbeat" || message.case === "hello" ? message.value.leases : [],
    );
    expect(held.some((one) => one.leaseId === lease && one.frozen && one.frozenSince !== undefined)).toBe(true);
  });

  it("because it is dead has its ranks frozen; the next one thaws them", async () => {
    await site.kill();
    await frozen();
    await site.run();
    await goesOn();
    expect(isAlive(rank)).toBe(true);
  });

  it("and whose watchdog is killed with it has another, from its rank's shim", async () => {
    const before = site.watchdogs();
    await site.kill();
    for (const pid of before) process.kill(pid, "SIGKILL");
    await frozen();
    expect(site.watchdogs()).toHaveLength(1);
    expect(before).not.toContain(site.watchdogs()[0]);
  });

  it("when it lives starts another watchdog for one that was killed or stopped", async () => {
    const [first = 0] = site.watchdogs();
    process.kill(first, "SIGKILL");
    const other = () => site.watchdogs().filter((pid) => pid !== first);
    const [second = 0] = await until("another", () => other().length === 1 && other(), longMs);
    process.kill(second, "SIGSTOP");
    await until("a third", () => other().length === 1 && !other().includes(second), longMs);
    expect(isFrozen(rank)).toBe(false);
  });
});

it("a node without a watchdog says that it is unhealthy, and begins nothing", async () => {
  const bin = mkdtempSync(join(tmpdir(), "stoker-bin-"));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  const shim = join(bin, "stoker-shim");
  copyFileSync(resolve(import.meta.dirname, "../../dist/stoker-shim"), `${shim}.real`);
  // All but the watchdog works.
  writeFileSync(shim, `#!/bin/sh\n[ "$1" = watch ] && { echo "no watch here" >&2; exit 1; }\nexec ${shim}.real "$@"\n`);
  chmodSync(shim, 0o755);
  const site = await AgentProcess.start(12_000, "--shim", shim);
  onTestFinished(() => site.stop());
  const { messages } = site.coordinator;
  await until(
    "the reason",
    () =>
      messages.some(
        ({ case: kind, value }) => kind === "heartbeat" && /watchdog.*no watch here/.test(value.unhealthyReason),
      ),
    longMs,
  );
  const grant = makeGrant({ ranks: [{ rank: 0, commandLine: `echo ran > ${site.dir}/ran` }] });
  site.coordinator.grant(grant);
  const story = await until(
    "its end",
    () => {
      const told = site.coordinator.story(grant.leaseId);
      return told.includes("done") && told;
    },
    longMs,
  );
  expect(story).toEqual(["failed NodeUnguarded", "done"]);
});

it("a job that chose kill is killed, and told as the node's fault", async () => {
  const site = await AgentProcess.start(ttlMs);
  const commandLine = `echo $$ > ${site.dir}/pid; exec sleep 600`;
  const grant = makeGrant({ ttlMs: BigInt(ttlMs), onLeaseLoss: "kill", ranks: [{ rank: 0, commandLine }] });
  site.coordinator.grant(grant);
  const rank = await site.pidIn("pid");
  onTestFinished(() => site.stop(rank));
  site.agent?.kill("SIGSTOP");
  await until("its end", () => !isAlive(rank), longMs);
  site.agent?.kill("SIGCONT");
  await until("done", () => site.coordinator.story(grant.leaseId).includes("done"), longMs);
  // First of all the fault, so that the killed rank is not taken for the program's failure.
  expect(site.coordinator.story(grant.leaseId).find((word) => /failed|rankExited/.test(word))).toBe("failed LeaseLost");
});
