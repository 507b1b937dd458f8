import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive } from "../fakes/agent-site.js";
import { FakeCoordinator } from "../fakes/coordinator.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

const program = resolve(import.meta.dirname, "../../dist/stoker-agent.js");
let dir: string;
let environment: NodeJS.ProcessEnv;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-agent-program-"));
  environment = { PATH: process.env.PATH, HOME: dir, STOKER_TLS: "off", STOKER_DATA_DIR: join(dir, "data") };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("what can't be right", () => {
  const refused = (...words: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], { env: environment, encoding: "utf8" });
    return { status, lines: stderr.trim().split("\n") };
  };

  it.each([
    ["no token", [], /no token: pass --token-file or set STOKER_TOKEN/],
    ["a token file that is not there", ["--token-file", "/nowhere"], /there is no file \/nowhere/],
    ["a number that is none", ["--cpus", "many"], /--cpus: "many" is not a whole number/],
    ["an amount that is none", ["--memory", "lots"], /--memory: "lots" is not an amount of memory/],
    ["no shim", ["--token-file", "/dev/null", "--shim", "/nowhere"], /.+/],
    ["an unknown flag", ["--what"], /unknown option '--what'/],
  ])("such as %s is said in one line, with exit code 2", (_, words, said) => {
    const { status, lines } = refused(...words);
    expect(status).toBe(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(said);
  });
});

describe("the program", () => {
  let coordinator: FakeCoordinator;
  let agent: ChildProcess;
  let address: string;

  const start = () => {
    agent = spawn(process.execPath, [program, "--coordinator", address, "--name", "n1", "--cpus", "3"], {
      env: { ...environment, STOKER_TOKEN: "secret" },
      stdio: "ignore",
    });
  };
  const ended = () => until("its end", () => (agent.exitCode ?? agent.signalCode) !== null);

  beforeEach(async () => {
    coordinator = new FakeCoordinator();
    address = await coordinator.start();
    start();
    await until("a session", () => coordinator.connected);
  });
  afterEach(async () => {
    agent.kill("SIGKILL");
    await ended();
    coordinator.stop();
  });

  const waiter = () =>
    makeGrant({
      ranks: [{ rank: 0, commandLine: `echo $$ > ${dir}/pid; while [ ! -e ${dir}/go ]; do sleep 0.02; done; exit 6` }],
    });
  const pid = () =>
    until("a number", () => readdirSync(dir).includes("pid") && Number(spawnSync("cat", [join(dir, "pid")]).stdout));

  it("says who it is and what its owner offers", () => {
    expect(coordinator.hellos[0]).toMatchObject({ nodeName: "n1", inventory: { cpus: 3 } });
  });

  it.each([
    ["SIGKILL", null],
    ["SIGTERM", 0],
  ] as const)("leaves its ranks to the next one at %s", async (signal, code) => {
    const grant = waiter();
    coordinator.grant(grant);
    const rank = await pid();
    agent.kill(signal);
    await ended();
    expect(agent.exitCode).toBe(code);
    expect(isAlive(rank)).toBe(true);
    start();
    await until("another session", () => coordinator.hellos.length === 2);
    expect(coordinator.hellos[1]?.leases).toMatchObject([{ leaseId: grant.leaseId, frozen: false }]);
    writeFileSync(join(dir, "go"), "");
    await until("the exit", () => coordinator.story(grant.leaseId).includes("done"));
    expect(coordinator.story(grant.leaseId)).toContain("rankExited 6");
  });

  it("tells an exit that happened while no agent was there", async () => {
    const grant = waiter();
    coordinator.grant(grant);
    const rank = await pid();
    agent.kill("SIGKILL");
    await ended();
    writeFileSync(join(dir, "go"), "");
    await until("the rank's end", () => !isAlive(rank));
    start();
    await until("the exit", () => coordinator.story(grant.leaseId).includes("done"));
    expect(coordinator.story(grant.leaseId)).toContain("rankExited 6");
  });
});
