import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ProgramFailed } from "../agent/telemetry/limited-output.js";
import { failureOf } from "../agent/telemetry/smi/ask.js";
import type { SmiDocument } from "../agent/telemetry/smi/document.js";
import { activeTest } from "./check-gpu/active-test.js";
import { runJob } from "./check-gpu/job.js";
import { pack } from "./check-gpu/pack.js";
import { compare, read } from "./check-gpu/reading.js";
import { Report } from "./check-gpu/report.js";
import { sample } from "./check-gpu/sampling.js";
import { busyCommand, completePath, siteProblem } from "./check-gpu/surroundings.js";
import { killAll } from "./site/processes.js";

/**
 * `npm run check:gpu`, or `node check-gpu.js` on a machine that has nothing but Node and what `--pack` has put into a folder: whether Stoker reads this
 * machine's real GPUs rightly, and runs a job on one. What is missing is skipped with the reason; whatever happens, what nvidia-smi said is kept.
 */
const usage = `Usage: check-gpu [--seconds 60] [--job-seconds 20] [--limit 170] [--out folder] [--nvidia-smi program] [--command line] [--no-job]
       check-gpu --pack folder

Reads this machine's GPUs, compares each value with nvidia-smi's other form, samples them for a minute, tests one, runs a small CUDA job on one through a
coordinator and an agent of its own, and keeps a recording of what nvidia-smi said.

  --pack folder   puts all that this needs on another machine into a folder, Node and nats-server included: run \`folder/check-gpu\` there

Exit code: 0 all is well; 1 something is not, named with both values; 2 there is no GPU to be asked.
`;

const { values } = parseArgs({
  options: {
    ...{ seconds: { type: "string", default: "60" }, "job-seconds": { type: "string", default: "20" } },
    ...{ limit: { type: "string", default: "170" }, pack: { type: "string" } },
    ...{ out: { type: "string" }, "nvidia-smi": { type: "string", default: "nvidia-smi" } },
    ...{ command: { type: "string" }, "no-job": { type: "boolean" }, help: { type: "boolean", short: "h" } },
  },
});

const say = (line: string) => void process.stdout.write(`${line}\n`);
const programs = programsOf();
const smi = values["nvidia-smi"];
const report = new Report(say);
const files = new Map<string, string>();
const outName = `gpu-recording-${new Date().toISOString().slice(0, 10)}`;
let out = resolve(values.out ?? outName);
const work = mkdtempSync(join(tmpdir(), "stoker-check-gpu-"));

completePath(programs);
if (values.help) say(usage.trimEnd());
else if (values.pack !== undefined) packInto(values.pack);
else process.exitCode = await withinLimit(Number(values.limit));
rmSync(work, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });

function packInto(folder: string): void {
  const lacking = pack(programs, folder);
  for (const each of lacking) say(`not in it: ${each}`);
  say(`copy ${folder} to the machine, and run ${folder}/check-gpu there`);
  process.exitCode = lacking.length === 0 ? 0 : 1;
}

/** Whatever hangs: what was found by then is told and kept, and nothing is left running. */
async function withinLimit(seconds: number): Promise<number> {
  const began = performance.now();
  const late = new Promise<"late">((resolve) => setTimeout(resolve, seconds * 1_000, "late").unref());
  const code = await Promise.race([check(), late]);
  if (code !== "late" && code === 2) return code;
  if (code === "late") report.fail(`it was not over after ${seconds} s`);
  report.note(`it took ${Math.round((performance.now() - began) / 1_000)} s`);
  report.end();
  save();
  say(`What nvidia-smi said is in ${out}; serial numbers are masked.`);
  if (code !== "late") return report.failed === 0 ? 0 : 1;
  await killAll(`${work}/`);
  rmSync(work, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  process.exit(1);
}

async function check(): Promise<number> {
  report.step("nvidia-smi -q -x");
  let document: SmiDocument;
  try {
    const recording = await read(smi, files);
    document = recording.document;
  } catch (error) {
    say(`There is no GPU to be checked: ${failureOf(error).sentence}.`);
    if (error instanceof ProgramFailed && error.run.output !== "")
      say(`It said: ${error.run.output.slice(-2_000).trim()}`);
    return 2;
  }
  const { driverVersion = "?", cudaVersion = "?", gpus } = document;
  report.ok(`${gpus.length} GPUs, driver ${driverVersion}, CUDA ${cudaVersion}, Node ${process.version}`);
  save();
  await step("Each field against --query-gpu", () => compare(smi, { files, document }, report));
  save();
  const seconds = Number(values.seconds);
  await step(`Sampling for ${seconds} s`, () => sample(smi, gpus.length, seconds, report));
  await step("A quick test of one GPU", () => test(document));
  await step("A job on one GPU", () => job(document));
  return 0;
}

async function step(name: string, act: () => Promise<void>): Promise<void> {
  report.step(name);
  try {
    await act();
  } catch (error) {
    report.fail(`it broke off: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function test({ gpus }: SmiDocument): Promise<void> {
  const at = gpus.findIndex(({ uuid, mig }) => uuid !== undefined && mig.enabled !== true);
  const uuid = gpus[at]?.uuid;
  if (uuid === undefined) report.skip("the test", "every GPU is divided (MIG), or has no UUID");
  else await activeTest(join(programs, "stoker-node-test"), { uuid, index: at }, report);
}

async function job({ gpus }: SmiDocument): Promise<void> {
  const seconds = Number(values["job-seconds"]);
  const wish = values.command;
  if (values["no-job"] === true) return report.skip("the job", "--no-job was given");
  const problem = siteProblem(programs);
  if (problem !== undefined) return report.skip("the job", problem);
  const busy = wish === undefined ? busyCommand(programs, "SCRIPT", seconds) : { command: wish };
  if ("why" in busy) return report.skip("the job", busy.why);
  const command = (script: string) => busy.command.replace("SCRIPT", script);
  const text = await runJob({ program: smi, programs, folder: work, seconds, before: gpus, command }, report);
  if (text !== "") files.set("q-x-busy.xml", text);
}

/** Beside this file where it is a bundle; in a checkout, what was built. */
function programsOf(): string {
  const here = import.meta.dirname;
  return import.meta.filename.endsWith(".ts") ? resolve(here, "../dist") : here;
}

function save(): void {
  try {
    saveTo(out);
  } catch (error) {
    // This one may not write there: kept it is, all the same.
    const other = join(tmpdir(), outName);
    if (out === other) throw error;
    out = other;
    saveTo(out);
  }
}

function saveTo(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), masked(text));
  writeFileSync(join(folder, "report.txt"), report.text);
}

function masked(text: string): string {
  return text.replace(/<(serial|board_id|chassis_serial_number)>[^<]*</g, (_, name: string) => `<${name}>0<`);
}
