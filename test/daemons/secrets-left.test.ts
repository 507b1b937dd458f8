import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { killAll } from "../../scripts/site/processes.js";
import { AgentSite, isAlive } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

/** Files below a folder that hold the text. */
function holding(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => textOf(path).includes(text));
}

/** Of a file that has gone meanwhile, nothing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

it("a lease's secrets reach its processes and a restarted agent, and are in no file of the agent's at any time", {
  timeout: 60_000,
}, async () => {
  const site = await AgentSite.start();
  onTestFinished(() => site.stop());
  const value = `secret-${randomBytes(16).toString("hex")}`;
  const hasIt = `[ "\${#PASSWORD}" = ${value.length} ]`;
  const grant = makeGrant({
    secrets: [{ name: "PASSWORD", value }],
    preparationCommandLine: `${hasIt} && echo up > ${site.path("up")}; until [ -e ${site.path("go")} ]; do sleep 0.02; done`,
    ranks: [{ rank: 0, commandLine: `${hasIt} && echo up > ${site.path("again")}; exec sleep 600` }],
  });
  site.coordinator.grant(grant);
  await until("it has its secret", () => existsSync(site.path("up")));
  // Else the search would find nothing anyway.
  expect(holding(site.dir, grant.leaseId).length).toBeGreaterThan(0);
  expect(holding(site.dir, value)).toEqual([]);
  await site.agent.stop();
  await site.startAgain();
  expect(holding(site.dir, value)).toEqual([]);
  writeFileSync(site.path("go"), "");
  await until("its rank has it from the new agent", () => existsSync(site.path("again")));
  site.coordinator.stopLease(grant.leaseId, false);
  await site.story(grant.leaseId, "done");
  expect(holding(site.dir, value)).toEqual([]);
});

it.each([
  ["stoker-coordinator", ["--listen", "127.0.0.1:0", "--tls", "off"]],
  ["stoker-agent", ["--coordinator", "127.0.0.1:1", "--tls", "off", "--name", "n1", "--accounts", "agent"]],
])("%s leaves nothing of its memory in a core dump", { timeout: 60_000 }, async (program, words) => {
  const dir = mkdtempSync(join(tmpdir(), "stoker-dump-"));
  const secret = randomBytes(16).toString("hex");
  const started = ["exec", process.execPath, resolve(import.meta.dirname, `../../dist/${program}.js`)];
  const all = [...started, "--config", "/dev/null", "--data-dir", join(dir, "data"), ...words].join(" ");
  // As if nobody had set a limit. Its memory is then to be found in a file here, where the kernel writes dumps to files.
  const child = spawn("bash", ["-c", `ulimit -c unlimited; ${all}`], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, STOKER_TOKEN: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await until("its end", () => !isAlive(child.pid ?? 0));
    // Its nats-server, when there was one already.
    await killAll(`${dir}/`);
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  const filter = () => readFileSync(`/proc/${child.pid}/coredump_filter`, "utf8").trim();
  await until("it has begun", () => /^0+$/.test(filter()), 20_000);
  expect(readFileSync(`/proc/${child.pid}/environ`, "utf8")).toContain(secret);
  const exited = once(child, "exit");
  child.kill("SIGSEGV");
  await exited;
  for (const name of readdirSync(dir).filter((each) => each.startsWith("core"))) {
    expect(textOf(join(dir, name))).not.toContain(secret);
  }
});
