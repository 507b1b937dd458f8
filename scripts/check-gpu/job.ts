import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SmiGpu } from "../../agent/core/health/smi-gpu.js";
import { limitedOutput } from "../../agent/telemetry/limited-output.js";
import { parseSmi } from "../../agent/telemetry/smi/document.js";
import { parseList } from "../../agent/telemetry/smi/list.js";
import { LocalSite } from "../site/local-site.js";
import { processesWith } from "../site/processes.js";
import { cudaProgram } from "./cuda-program.js";
import type { Report } from "./report.js";
import { type Seen, tell } from "./seen.js";

export interface JobCheck {
  program: string;
  /** Where coordinator, agent and command line are. */
  programs: string;
  /** An empty one. */
  folder: string;
  seconds: number;
  /** How the machine's GPUs were before. */
  before: readonly SmiGpu[];
  /** Given the CUDA program: what keeps a GPU busy. */
  command(script: string): string;
}

const scope = ["-w", "check", "-e", "gpu"];
const job = ["-n", "busy", ...scope];

/** A job of one GPU, through a coordinator and an agent: it gets its GPU by UUID, and is seen on it. Returns what nvidia-smi said meanwhile. */
export async function runJob(asked: JobCheck, report: Report): Promise<string> {
  const { program, programs, folder, seconds } = asked;
  const script = join(folder, "busy.py");
  writeFileSync(script, cudaProgram);
  mkdirSync(join(folder, "results"));
  const agentFlags = ["--nvidia-smi", program, "--containers", "off"];
  const site = await LocalSite.start({ folder, nodes: ["gpu-node"], agentFlags, programs });
  try {
    const file = (name: string, properties: unknown) => {
      writeFileSync(join(folder, name), JSON.stringify({ properties }));
      return join(folder, name);
    };
    const cluster = file("cluster.json", { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 1 } } });
    const spec = file("job.json", {
      nodeCount: 1,
      customToolkitSettings: { commandLine: asked.command(script) },
      resources: { gpus: 1 },
      stdOutErrPathPrefix: join(folder, "results"),
    });
    await site.stoker(["workspace", "create", "-n", "check"]);
    await site.stoker(["cluster", "create", "-n", "here", "-w", "check", "-f", cluster]);
    await site.stoker(["experiment", "create", "-n", "gpu", "-w", "check"]);
    const created = await site.run(["job", "create", ...job, "-c", "here", "-f", spec]);
    if (created.code !== 0) {
      const said = created.stderr.trim();
      const isDivided = asked.before.every(({ mig }) => mig.enabled === true);
      if (isDivided && said.includes("more than 0")) report.skip("the job", "every GPU is divided (MIG), into no part");
      else report.fail(`the job was refused: ${said}`);
      return "";
    }
    const seen = await watch(site, asked);
    if (seen.visible === "") {
      const { stdout, stderr } = await site.run(["job", "explain", ...job]);
      report.fail(`the job was not seen at work within ${seconds + startsWithin} s: ${`${stdout} ${stderr}`.trim()}`);
    } else {
      tell(seen, asked.before, report);
    }
    const late = delay(
      endsWithin * 1_000,
      { code: -1, stderr: `it did not end within ${endsWithin} s` },
      { ref: false },
    );
    const { code, stderr } = await Promise.race([site.run(["job", "wait", ...job]), late]);
    const output = outputIn(folder);
    report.judge(code === 0, `the job ended with exit code ${code}${code === 0 ? "" : `: ${stderr.trim()} ${output}`}`);
    report.note(`it wrote: ${output}`);
    const devices = /(\d+) device\(s\)/.exec(output)?.[1];
    if (devices !== undefined) report.judge(devices === "1", `it saw ${devices} device(s), and 1 was its own`);
    const usage = await site.run(["job", "usage", ...job]);
    report.judge(usage.code === 0 && usage.stdout.includes("gpu-node"), "stoker job usage knows what it used");
    return seen.text;
  } finally {
    await site.stop();
  }
}

/** From its submission on. */
const startsWithin = 30;
const endsWithin = 20;

interface NodeJson {
  telemetry?: { gpus?: Array<{ uuid?: string; utilizationPercent?: number; memoryUsedBytes?: string | number }> };
}

async function watch(site: LocalSite, { program, folder, seconds }: JobCheck): Promise<Seen> {
  const seen: Seen = { text: "", visible: "", pids: new Set(), gpus: new Map(), mig: new Map(), told: new Map() };
  const until = Date.now() + (seconds + startsWithin) * 1_000;
  while (Date.now() < until) {
    await delay(700);
    for (const pid of processesWith(`${folder}/`)) {
      const environment = environmentOf(pid);
      if (!environment.includes("STOKER_LEASE=")) continue;
      seen.pids.add(pid);
      seen.visible = /(?:^|\0)CUDA_VISIBLE_DEVICES=([^\0]*)/.exec(environment)?.[1] ?? seen.visible;
    }
    if (seen.visible.startsWith("MIG-") && seen.mig.size === 0) await findSlices(program, seen);
    const text = await limitedOutput(program, ["-q", "-x"], 20_000);
    for (const gpu of parseSmi(text).gpus) keepBusiest(seen, gpu, text);
    const node = JSON.parse(await site.stoker(["node", "show", "-n", "gpu-node", "-o", "json"])) as NodeJson;
    for (const { uuid = "", utilizationPercent = 0, memoryUsedBytes = 0 } of node.telemetry?.gpus ?? []) {
      const before = seen.told.get(uuid);
      seen.told.set(uuid, {
        utilizationPercent: Math.max(before?.utilizationPercent ?? 0, utilizationPercent),
        memoryUsedBytes: Math.max(before?.memoryUsedBytes ?? 0, Number(memoryUsedBytes)),
      });
    }
    const { stdout } = await site.run(["job", "show", ...job, "-o", "json"]);
    if (/"executionState": ?"(?:succeeded|failed|terminated)"/.test(stdout)) break;
  }
  return seen;
}

/** Its processes and its numbers at their highest. */
function keepBusiest(seen: Seen, gpu: SmiGpu, text: string): void {
  const uuid = gpu.uuid ?? "";
  const before = seen.gpus.get(uuid);
  const own = gpu.processes.filter(({ pid }) => seen.pids.has(pid));
  if (own.length > 0 || seen.text === "") seen.text = text;
  seen.gpus.set(uuid, {
    processes: [...(before?.processes ?? []), ...gpu.processes],
    own: own.length > 0 ? own : (before?.own ?? []),
    utilizationPercent: highest(before?.utilizationPercent, gpu.utilizationPercent),
    memoryUsedBytes: highest(before?.memoryUsedBytes, gpu.memory.usedBytes),
  });
}

const highest = (one: number | undefined, other: number | undefined) =>
  one === undefined ? other : other === undefined ? one : Math.max(one, other);

/** Of which GPU each slice is. */
async function findSlices(program: string, seen: Seen): Promise<void> {
  for (const gpu of parseList(await limitedOutput(program, ["-L"], 20_000))) {
    for (const slice of gpu.migDevices) seen.mig.set(slice.uuid, gpu.uuid);
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    // Gone, or somebody else's: not the job's.
    return "";
  }
}

/** The end of what it wrote. */
function outputIn(folder: string): string {
  const results = join(folder, "results");
  const files = readdirSync(results, { recursive: true, encoding: "utf8" }).filter((name) =>
    /std(?:out|err)[^/]*\.txt$/.test(name),
  );
  return files
    .map((name) => readFileSync(join(results, name), "utf8").trim().slice(-400))
    .filter((text) => text !== "")
    .join(" | ");
}
