// Stands for nvidia-smi: answers `-q -x`, `-L`, `--query-gpu` (in loop mode too) and `topo -m` from one recording, which a scene may change at
// any time. `node nvidia-smi.mjs SCENE …` with nvidia-smi's own words behind; see scene.ts for what a scene can say.

import { readFileSync } from "node:fs";
import { partsOf, textAt, withErrorBodies, withText } from "./document.mjs";
import { paths, units } from "./fields.mjs";

const [scenePath = "", ...words] = process.argv.slice(2);
const sceneNow = () => JSON.parse(readFileSync(scenePath, "utf8"));

/** How each listed GPU is now; those that are gone are left out, and the others keep no gap in their indexes. */
function gpusOf(scene) {
  const { head, gpus, tail } = partsOf(readFileSync(scene.recording, "utf8"));
  const changed = gpus.flatMap((gpu, at) => {
    const change = scene.gpus?.[at] ?? {};
    if (change.gone) return [];
    let text = scene.alive ? alive(gpu, at) : gpu;
    for (const [name, value] of Object.entries(change.values ?? {})) text = withField(text, name, value);
    for (const [path, value] of Object.entries(change.xml ?? {})) text = withText(text, `gpu/${path}`, value);
    if (change.processes) {
      const open = text.replace(/<processes\s*\/>/, "<processes></processes>");
      text = withText(open, "gpu/processes", change.processes.map(processElement).join(""));
    }
    return [change.says ? withErrorBodies(text, change.says) : text];
  });
  return { head, gpus: changed, tail };
}

const processElement = ({ pid, type = "C", name = "python", memoryMiB = 1024, gpuInstance, computeInstance }) =>
  `<process_info><gpu_instance_id>${gpuInstance ?? "N/A"}</gpu_instance_id>` +
  `<compute_instance_id>${computeInstance ?? "N/A"}</compute_instance_id><pid>${pid}</pid><type>${type}</type><process_name>${name}</process_name>` +
  `<used_memory>${memoryMiB} MiB</used_memory></process_info>`;

/** As if something ran on it: each GPU in a course of its own. */
function alive(gpu, at) {
  const wave = Math.round(50 + 45 * Math.sin(Date.now() / 7_000 + at));
  return withField(withField(gpu, "utilization.gpu", `${wave} %`), "power.draw", `${100 + wave}.00 W`);
}

function withField(gpu, name, value) {
  const path = (paths[name] ?? []).find((each) => textAt(gpu, each) !== undefined);
  if (path === undefined) return gpu;
  const unit = units[name];
  return withText(gpu, path, unit && /^[\d.]+$/.test(value) ? `${value} ${unit}` : value);
}

function cellOf(gpu, name, row) {
  if (name in row) return row[name];
  for (const path of paths[name] ?? []) {
    const text = textAt(gpu, path)?.trim();
    if (text === undefined || text === "N/A") continue;
    const value = text.replace(/ (?:%|MiB|W|MHz|C)$/, "").replace(/^(\d+)x$/, "$1");
    // Brackets belong to this form alone.
    return /^-?[\d.]+$/.test(value) || !errorWords.test(value) ? { value, text } : `[${value}]`;
  }
  return "[N/A]";
}

const errorWords = /^(?:GPU is lost|GPU requires reset|Unknown Error|ERR!|Insufficient Permissions|Not Supported)$/;

function rowsOf(scene, names, format) {
  const { head, gpus } = gpusOf(scene);
  const driver = textAt(head, "nvidia_smi_log/driver_version") ?? /<driver_version>(.*?)</.exec(head)?.[1] ?? "[N/A]";
  return gpus.map((gpu, index) => {
    const timestamp = new Date().toISOString().replaceAll("-", "/").replace("T", " ").slice(0, 23);
    const row = { index: String(index), count: String(gpus.length), driver_version: driver, timestamp };
    const cells = names.map((name) => {
      const cell = cellOf(gpu, name, row);
      if (typeof cell === "string") return cell;
      const unit = units[name];
      return unit === undefined || format.includes("nounits") ? cell.value : `${cell.value} ${unit}`;
    });
    return `${cells.join(", ")}\n`;
  });
}

function listOf(scene) {
  if (scene.list) return readFileSync(scene.list, "utf8");
  return gpusOf(scene)
    .gpus.map((gpu, index) => `GPU ${index}: ${textAt(gpu, "gpu/product_name")} (UUID: ${textAt(gpu, "gpu/uuid")})\n`)
    .join("");
}

/** The form that drivers print, with the escapes around its head. */
function topologyOf(scene) {
  if (scene.topology) return readFileSync(scene.topology, "utf8");
  const count = gpusOf(scene).gpus.length;
  const names = Array.from({ length: count }, (_, at) => `GPU${at}`);
  const link = (a, b) => (a === b ? " X " : a >> 1 === b >> 1 ? "NV4" : a >> 2 === b >> 2 ? "PXB" : "SYS");
  const head = `\t\u001b[4m${[...names, "CPU Affinity", "NUMA Affinity", "GPU NUMA ID"].join("\t")}\u001b[0m\n`;
  const lines = names.map((name, a) => {
    const links = names.map((_, b) => link(a, b));
    return `${[name, ...links, a < 4 ? "0-15" : "16-31", a < 4 ? "0" : "1", "", "N/A"].join("\t")}\n`;
  });
  return `${head}${lines.join("")}\nLegend:\n\n  X    = Self\n`;
}

function queryOf() {
  if (words.includes("-q") && words.includes("-x")) return "full";
  if (words.includes("-L")) return "list";
  if (words[0] === "topo") return "topology";
  return words.some((word) => word.startsWith("--query-gpu=")) ? "sample" : "table";
}

/** Waits for ever when it hangs: until somebody kills it, or the scene lets it go on. */
async function behave(query) {
  for (;;) {
    const scene = sceneNow();
    const how = scene.on?.[query] ?? scene.on?.all ?? {};
    if (how.hangs) {
      await new Promise((resume) => setTimeout(resume, 100));
      continue;
    }
    if (how.delayMs) await new Promise((resume) => setTimeout(resume, how.delayMs));
    if (how.exitCode !== undefined && how.stdout !== undefined) end(how.exitCode, how.stdout, how.stderr);
    return { scene, warning: how.warning ?? "", exitCode: how.exitCode ?? 0 };
  }
}

function end(exitCode, stdout, stderr = "") {
  process.stderr.write(stderr);
  process.stdout.write(stdout, () => process.exit(exitCode));
  throw ended;
}

const ended = new Error("ended");

function only(gpus) {
  const at = words.indexOf("-i");
  if (at < 0) return gpus;
  const wanted = words[at + 1] ?? "";
  const chosen = gpus.filter((gpu, index) => textAt(gpu, "gpu/uuid") === wanted || String(index) === wanted);
  if (chosen.length === 0) end(6, "No devices were found\n");
  return chosen;
}

async function sample() {
  const value = (name) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const names = (value("--query-gpu") ?? "").split(",");
  const format = (value("--format") ?? "").split(",");
  const everyMs = Number(words[words.indexOf("-lms") + 1]);
  const loops = words.includes("-lms");
  const unknown = names.find((name) => !(name in paths) || (sceneNow().unknownFields ?? []).includes(name));
  if (unknown !== undefined) end(2, `Field "${unknown}" is not a valid field to query.\n\n`);
  const heads = names.map((name) => (units[name] ? `${name} [${units[name]}]` : name));
  if (!format.includes("noheader")) process.stdout.write(`${heads.join(", ")}\n`);
  for (;;) {
    const { scene, warning, exitCode } = await behave("sample");
    process.stdout.write(rowsOf(scene, names, format).join(""));
    if (!loops) end(exitCode, warning);
    await new Promise((resume) => setTimeout(resume, everyMs));
  }
}

async function main() {
  const query = queryOf();
  if (query === "sample") return await sample();
  const { scene, warning, exitCode } = await behave(query);
  switch (query) {
    case "full": {
      const { head, gpus, tail } = gpusOf(scene);
      return end(exitCode, head + only(gpus).join("\n\t") + tail + warning);
    }
    case "list":
      return end(exitCode, listOf(scene) + warning);
    case "topology":
      return end(exitCode, topologyOf(scene) + warning);
    default:
      return end(1, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n");
  }
}

main().catch((error) => {
  if (error !== ended) throw error;
});
// Whoever read it is gone: so is a loop.
process.stdout.on("error", () => process.exit(0));
