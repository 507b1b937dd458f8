import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";
import { readExposition, sampleOf } from "./exposition.js";
import { programOf } from "./programs.js";

let coordinator: CoordinatorProcess;
let dir: string;
let children: ChildProcess[];

beforeEach(() => {
  coordinator = new CoordinatorProcess();
  dir = mkdtempSync(join(tmpdir(), "stoker-prometheus-"));
  children = [];
});

afterEach(async () => {
  for (const child of children.reverse()) {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  }
  await coordinator.dispose();
  rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

/** What it has written so far. */
function begin(program: string, words: string[], environment: NodeJS.ProcessEnv = {}): () => string {
  const child = spawn(program, words, {
    env: { PATH: process.env.PATH, HOME: dir, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
  return () => output;
}

const metricsAddress = (output: () => string) =>
  until("an address of metrics", () => /"address":"([^"]+)","msg":"metrics are at/.exec(output())?.[1], 20_000);

async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const scrape = async (address: string) => readExposition(await (await fetch(`http://${address}/metrics`)).text());

it("Prometheus scrapes a coordinator and an agent at work", async () => {
  const flags = ["--metrics-listen", "127.0.0.1:0"];
  expect(await coordinator.start(flags)).toBe("ready");
  await coordinator.furnish();
  const ofCoordinator = await metricsAddress(() => coordinator.output);
  const agentProgram = resolve(import.meta.dirname, "../../dist/stoker-agent.js");
  const identity = ["--coordinator", coordinator.address, "--name", "n1", "--data-dir", join(dir, "agent")];
  const own = ["--config", "/dev/null", "--witness-port", "off", "--containers", "off", "--serve-files", "off"];
  const agent = begin(process.execPath, [agentProgram, ...identity, ...own, ...flags], {
    STOKER_TOKEN: coordinator.token,
    STOKER_TLS: "off",
  });
  const ofAgent = await metricsAddress(agent);

  const jobs = coordinator.client(JobService);
  const { job } = await jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob("echo seen") });
  const succeeded = { outcome: "succeeded" };
  const known = await eventually("the job's end", async () => {
    const families = await scrape(ofCoordinator);
    const stored = sampleOf(families, "stoker_log_ingest_bytes_total");
    return sampleOf(families, "stoker_attempts_ended_total", succeeded) === 1 && stored > 0 ? families : undefined;
  });
  expect(job?.id).toBeDefined();
  expect(sampleOf(known, "stoker_attempts_started_total")).toBe(1);
  expect(sampleOf(known, "stoker_jobs", { state: "succeeded" })).toBe(1);
  expect(sampleOf(known, "stoker_log_ingest_bytes_total")).toBe("seen\n".length);
  expect(sampleOf(known, "stoker_nats_up")).toBe(1);
  expect(sampleOf(known, "stoker_nodes_connected")).toBe(1);
  expect(sampleOf(known, "stoker_catalog_commit_duration_seconds_count")).toBeGreaterThan(5);
  expect(sampleOf(known, "stoker_node_state", { node: "n1", cluster: "workspaces/w/clusters/c" })).toBe(1);
  const told = await scrape(ofAgent);
  expect(sampleOf(told, "stoker_agent_session_up")).toBe(1);
  expect(sampleOf(told, "stoker_agent_watchdog_up")).toBe(1);
  expect((await fetch(`http://${ofAgent}/`)).status).toBe(404);
  expect((await fetch(`http://${ofAgent}/metrics`, { method: "POST" })).status).toBe(405);

  const config = join(dir, "prometheus.yml");
  const job_name = (name: string, target: string) =>
    `  - job_name: ${name}\n    static_configs: [{ targets: ["${target}"] }]\n`;
  writeFileSync(
    config,
    `global: { scrape_interval: 1s }
rule_files: [${resolve(import.meta.dirname, "../../docs/monitoring/alerts.yml")}]
scrape_configs:
${job_name("stoker-coordinator", ofCoordinator)}${job_name("stoker-agent", ofAgent)}`,
  );
  const prometheus = begin(programOf("prometheus"), [
    ...[`--config.file=${config}`, `--storage.tsdb.path=${join(dir, "tsdb")}`],
    ...["--web.listen-address=127.0.0.1:0", "--log.level=info"],
  ]);
  const at = await until("Prometheus", () => /msg="Listening on" address=(\S+)/.exec(prometheus())?.[1], 20_000);
  const ask = async (path: string) => {
    const response = await fetch(`http://${at}/api/v1/${path}`);
    return response.ok ? ((await response.json()) as { data: Record<string, unknown> }).data : undefined;
  };
  const value = async (query: string) => {
    const data = await ask(`query?query=${encodeURIComponent(query)}`);
    return (data?.result as Array<{ value: [number, string] }> | undefined)?.map((each) => Number(each.value[1]));
  };
  await eventually("both are up", async () => (await value("sum(up)"))?.[0] === 2 || undefined);
  const targets = (await ask("targets"))?.activeTargets as Array<{ health: string; lastError: string }>;
  expect(targets.map(({ health, lastError }) => `${health}${lastError}`)).toEqual(["up", "up"]);
  expect(await value('stoker_attempts_ended_total{outcome="succeeded"}')).toEqual([1]);
  expect(await value("stoker_agent_session_up")).toEqual([1]);
  expect(await value("nodejs_eventloop_lag_p99_seconds")).toHaveLength(2);
  const rules = (await ask("rules"))?.groups as Array<{ rules: Array<{ health: string }> }>;
  expect(rules[0]?.rules.filter(({ health }) => health === "err")).toEqual([]);
}, 90_000);

it("without the flag nothing listens, and an address that is none is refused", async () => {
  expect(await coordinator.start()).toBe("ready");
  expect(coordinator.output).not.toContain("metrics");
  await coordinator.end("SIGTERM");
  expect(await coordinator.start(["--metrics-listen", "nonsense"])).toBe(2);
  expect(coordinator.output).toContain('--metrics-listen: "nonsense" is not HOST:PORT');
});
