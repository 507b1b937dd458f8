import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { failureOf } from "../agent/telemetry/smi/ask.js";
import { runJob } from "./check-gpu/job.js";
import { compare, type Recording, read } from "./check-gpu/reading.js";
import { Report } from "./check-gpu/report.js";
import { sample } from "./check-gpu/sampling.js";

/**
 * `npm run check:gpu`, or `node dist/check-gpu.js` on a machine that has nothing but Node and `dist/`: whether Stoker reads this machine's real GPUs
 * rightly, and runs a job on one. Exit code 0: all is well; 1: something is not; 2: there is no GPU to be asked.
 */
const usage = `Usage: check-gpu [--seconds 60] [--job-seconds 20] [--out folder] [--nvidia-smi program] [--command line] [--no-job]

Reads this machine's GPUs, compares each value with nvidia-smi's other form, samples them for a minute, runs a small CUDA job on one through a
coordinator and an agent of its own, and keeps a recording of what nvidia-smi said.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ...{ seconds: { type: "string", default: "60" }, "job-seconds": { type: "string", default: "20" } },
      ...{ out: { type: "string" }, "nvidia-smi": { type: "string", default: "nvidia-smi" } },
      ...{ command: { type: "string" }, "no-job": { type: "boolean" }, help: { type: "boolean", short: "h" } },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const report = new Report((line) => process.stdout.write(`${line}\n`));
  const program = values["nvidia-smi"];
  let recording: Recording;
  try {
    recording = await read(program);
  } catch (error) {
    process.stdout.write(`There is no GPU to be checked: ${failureOf(error).sentence}.\n`);
    return 2;
  }
  const { document } = recording;
  report.heading(
    `${document.gpus.length} GPUs, driver ${document.driverVersion ?? "?"}, CUDA ${document.cudaVersion ?? "?"}`,
  );
  await compare(program, recording, report);
  report.heading(`Sampling for ${values.seconds} s`);
  await sample(program, document.gpus.length, Number(values.seconds), report);
  if (values["no-job"] !== true) {
    report.heading("A job on one GPU");
    await job(report, recording, { program, seconds: Number(values["job-seconds"]), command: values.command });
  }
  const out = resolve(values.out ?? `gpu-recording-${new Date().toISOString().slice(0, 10)}`);
  report.heading(report.failed === 0 ? "All is well." : `${report.failed} things are not as they should be.`);
  save(out, recording, report);
  process.stdout.write(`What nvidia-smi said is in ${out}; serial numbers are masked.\n`);
  return report.failed === 0 ? 0 : 1;
}

async function job(
  report: Report,
  { files }: Recording,
  given: { program: string; seconds: number; command: string | undefined },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-check-gpu-"));
  try {
    const text = await runJob({ ...given, folder, programs: programsOf() }, report);
    if (text !== "") files.set("q-x-busy.xml", text);
  } catch (error) {
    report.fail(`the job could not be run: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/** Beside this file where it is a bundle; in a checkout, what was built. */
function programsOf(): string {
  const here = import.meta.dirname;
  return import.meta.filename.endsWith(".ts") ? resolve(here, "../dist") : here;
}

function save(out: string, { files }: Recording, report: Report): void {
  mkdirSync(out, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(out, name), masked(text));
  writeFileSync(join(out, "report.txt"), report.text);
}

function masked(text: string): string {
  return text.replace(/<(serial|board_id|chassis_serial_number)>[^<]*</g, (_, name: string) => `<${name}>0<`);
}
