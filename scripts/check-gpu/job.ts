import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { limitedOutput } from "../../agent/telemetry/limited-output.js";
import { parseSmi, type SmiDocument } from "../../agent/telemetry/smi/document.js";
import { LocalSite } from "../site/local-site.js";
import { cudaProgram } from "./cuda-program.js";
import type { Report } from "./report.js";

export interface JobCheck {
  program: string;
  /** Where coordinator, agent and command line are. */
  programs: string;
  /** An empty one. */
  folder: string;
  seconds: number;
  /** Instead of the CUDA program. */
  command: string | undefined;
}

const scope = ["-w", "check", "-e", "gpu"];
const job = ["-n", "busy", ...scope];

/** A job of one GPU, through a coordinator and an agent: it gets its GPU by UUID, and is seen on it. Returns what nvidia-smi said meanwhile. */
export async function runJob(
  { program, programs, folder, seconds, command }: JobCheck,
  report: Report,
): Promise<string> {
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
      customToolkitSettings: { commandLine: command ?? `python3 ${script} ${seconds}` },
      resources: { gpus: 1 },
      stdOutErrPathPrefix: join(folder, "results"),
    });
    await site.stoker(["workspace", "create", "-n", "check"]);
    await site.stoker(["cluster", "create", "-n", "here", "-w", "check", "-f", cluster]);
    await site.stoker(["experiment", "create", "-n", "gpu", "-w", "check"]);
    await site.stoker(["job", "create", ...job, "-c", "here", "-f", spec]);
    const seen = await watch(site, program, seconds);
    tell(seen, report);
    const { code } = await site.run(["job", "wait", ...job]);
    report.judge(code === 0, `the job ended with exit code ${code}${code === 0 ? "" : `: ${outputIn(folder)}`}`);
    const usage = await site.run(["job", "usage", ...job]);
    report.judge(usage.code === 0 && usage.stdout.includes("gpu-node"), "stoker job usage knows what it used");
    return seen.text;
  } finally {
    await site.stop();
  }
}

interface Seen {
  text: string;
  /** Of the GPU that one of the job's processes is on, while it was at its busiest. */
  gpu?: SmiDocument["gpus"][number];
  pid?: number;
  /** As the process has it. */
  visible: string;
  told: { utilizationPercent: number; memoryUsedBytes: number };
}

interface NodeJson {
  telemetry?: { gpus?: Array<{ uuid?: string; utilizationPercent?: number; memoryUsedBytes?: string | number }> };
}

async function watch(site: LocalSite, program: string, seconds: number): Promise<Seen> {
  const seen: Seen = { text: "", visible: "", told: { utilizationPercent: 0, memoryUsedBytes: 0 } };
  const until = Date.now() + (seconds + 30) * 1_000;
  while (Date.now() < until) {
    await delay(1_000);
    const text = await limitedOutput(program, ["-q", "-x"], 60_000);
    for (const gpu of parseSmi(text).gpus) {
      const own = gpu.processes.find(({ pid }) => environmentOf(pid).includes("STOKER_LEASE="));
      if (!own || (gpu.utilizationPercent ?? 0) < (seen.gpu?.utilizationPercent ?? 0)) continue;
      Object.assign(seen, { text, gpu, pid: own.pid });
      seen.visible = /(?:^|\0)CUDA_VISIBLE_DEVICES=([^\0]*)/.exec(environmentOf(own.pid))?.[1] ?? seen.visible;
    }
    const node = JSON.parse(await site.stoker(["node", "show", "-n", "gpu-node", "-o", "json"])) as NodeJson;
    const now = node.telemetry?.gpus?.find(({ uuid }) => uuid === seen.gpu?.uuid);
    seen.told.utilizationPercent = Math.max(seen.told.utilizationPercent, now?.utilizationPercent ?? 0);
    seen.told.memoryUsedBytes = Math.max(seen.told.memoryUsedBytes, Number(now?.memoryUsedBytes ?? 0));
    const { stdout } = await site.run(["job", "show", ...job, "-o", "json"]);
    if (/"executionState": ?"(?:succeeded|failed|terminated)"/.test(stdout)) break;
  }
  return seen;
}

function tell({ gpu, pid, visible, told }: Seen, report: Report): void {
  report.judge(pid !== undefined, `nvidia-smi lists the job's process (${pid ?? "none"})`);
  if (!gpu) return;
  const process = gpu.processes.find((each) => each.pid === pid);
  report.judge(visible !== "" && visible === gpu.uuid, `it has CUDA_VISIBLE_DEVICES=${visible}, and is on ${gpu.uuid}`);
  report.judge((process?.memoryBytes ?? 0) > 0, `it holds ${mebibytes(process?.memoryBytes)} of the GPU's memory`);
  report.judge((gpu.utilizationPercent ?? 0) > 0, `the GPU was ${gpu.utilizationPercent ?? "not known to be"} % busy`);
  report.judge(told.utilizationPercent > 0, `the coordinator was told of ${told.utilizationPercent} %`);
  report.judge(told.memoryUsedBytes > 0, `and of ${mebibytes(told.memoryUsedBytes)} in use`);
}

const mebibytes = (bytes: number | undefined) => `${Math.round((bytes ?? 0) / 2 ** 20)} MiB`;

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
    .map((name) => readFileSync(join(results, name), "utf8").trim().slice(-300))
    .filter((text) => text !== "")
    .join(" | ");
}
