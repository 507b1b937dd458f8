import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AgentSite } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

let site: AgentSite;
beforeEach(async () => {
  site = await AgentSite.start();
});
afterEach(() => site.stop());

/** Files that this process, which the agent runs in, has open. */
const holds = (path: string) =>
  readdirSync("/proc/self/fd").some((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      // The one that reads the folder is gone again.
      return false;
    }
  });

it("what a rank wrote and its shim had not read when it was killed is in the log", async () => {
  const [go, wrote] = [site.path("go"), site.path("wrote")];
  const waits = `while [ ! -e ${go} ]; do sleep 0.02; done`;
  const grant = makeGrant({
    ranks: [{ rank: 0, commandLine: `echo one; ${waits}; echo two; touch ${wrote}; sleep 600` }],
  });
  site.coordinator.grant(grant);
  const dir = site.path("spool", grant.leaseId, "rank-0");
  const stdout = () => (existsSync(join(dir, "stdout")) ? readFileSync(join(dir, "stdout"), "utf8") : "");
  await until("the first line", () => stdout() === "one\n");
  await until("the agent keeps the pipe too", () => holds(join(dir, "stdout.pipe")));
  const shim = Number(readFileSync(join(dir, "pid"), "utf8").split(" ")[0]);
  process.kill(shim, "SIGSTOP");
  writeFileSync(go, "");
  await until("the second line is written", () => existsSync(wrote));
  expect(stdout()).toBe("one\n");
  process.kill(shim, "SIGKILL");
  await site.story(grant.leaseId, "done");
  const [exited] = site.coordinator
    .reports(grant.leaseId)
    .flatMap(({ event }) => (event.case === "rankExited" ? [event.value] : []));
  expect(exited).toMatchObject({ stdoutBytes: 8n, stdoutDroppedBytes: 0n });
});
