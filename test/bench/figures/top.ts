import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "node-pty";
import { builtPrograms, LocalSite } from "../../../scripts/site/local-site.js";
import { until } from "../../../scripts/site/processes.js";
import { FakeAgent } from "../../fakes/agent.js";
import { telemetryOf } from "../../monitoring/example.js";

const nodes = 200;
const gpus = 8;
const heartbeatMs = 2_000;
const measuredMs = 30_000;

/** What `stoker top` takes of a core, on a terminal of 160 columns, for a whole site whose GPUs are at work: it looks once a second. */
export async function topCpuPercent(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-bench-top-"));
  const site = await LocalSite.start({ folder, nodes: [], tls: "off" });
  const token = readFileSync(site.tokenPath, "utf8").trim();
  const agents = Array.from({ length: nodes }, () => new FakeAgent(site.address, token));
  let beating: NodeJS.Timeout | undefined;
  try {
    for (const [index, agent] of agents.entries()) agent.hello(nameOf(index), { inventory: inventoryOf(index) });
    await Promise.all(agents.map((agent) => agent.hears("welcome")));
    const beat = () => {
      for (const [index, agent] of agents.entries()) agent.heartbeat(telemetryOf(nameOf(index), gpus));
    };
    beat();
    beating = setInterval(beat, heartbeatMs);
    return await watched(site.environment);
  } finally {
    clearInterval(beating);
    for (const agent of agents) agent.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const nameOf = (index: number) => `n${index}`;

const inventoryOf = (index: number) => ({
  ...{ machineClass: "fake", cpus: 64, memoryBytes: 512n * 2n ** 30n },
  gpus: Array.from({ length: gpus }, (_, gpu) => ({
    ...{ index: gpu, uuid: `${nameOf(index)}-gpu-${gpu}`, name: "NVIDIA H100 80GB HBM3", memoryBytes: 80n * 2n ** 30n },
  })),
});

async function watched(environment: Record<string, string>): Promise<number> {
  const env = { ...process.env, ...environment, TERM: "xterm-256color" };
  const words = [join(builtPrograms, "stoker.js"), "top"];
  const terminal = spawn(process.execPath, words, { cols: 160, rows: 50, env });
  let seen = "";
  terminal.onData((text) => {
    seen = (seen + text).slice(-100_000);
  });
  let exited: number | undefined;
  terminal.onExit(({ exitCode }) => {
    exited = exitCode;
  });
  try {
    await until("a picture of the site", () => seen.includes(nameOf(3)), 20_000);
    const looks = 5;
    await delay(looks * 1_000);
    const [before, begin] = [cpuMs(terminal.pid), performance.now()];
    await delay(measuredMs);
    const used = cpuMs(terminal.pid) - before;
    if (exited !== undefined) throw new Error(`top ended with ${exited}`);
    return (100 * used) / (performance.now() - begin);
  } finally {
    terminal.kill("SIGKILL");
  }
}

/** Of all its threads. Linux counts in hundredths of a second, whatever the kernel's own clock. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * 10;
}
